/* Scope guards: a resource is released where its variable goes out of scope. */
#ifndef SPY_BASE_CLEANUP_H
#define SPY_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define spy_cleanup(function) __attribute__((cleanup(function)))

/* Hands the value of a guarded pointer to the caller and disarms the guard. */
#define spy_steal(pointer)                     \
	__extension__({                        \
		__typeof__(pointer) *slot_ = &(pointer); \
		__typeof__(pointer) value_ = *slot_;     \
		*slot_ = NULL;                 \
		value_;                        \
	})

static inline void spy_cleanup_free(void *slot)
{
	free(*(void **)slot);
}

static inline void spy_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void spy_cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define spy_autofree spy_cleanup(spy_cleanup_free)
#define spy_autoclose spy_cleanup(spy_cleanup_close)
#define spy_autofclose spy_cleanup(spy_cleanup_fclose)

#endif
