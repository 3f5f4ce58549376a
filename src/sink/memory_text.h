/* Text from a target in formats of a recording of memory, whose files stay within bounds. */
#ifndef SPY_SINK_MEMORY_TEXT_H
#define SPY_SINK_MEMORY_TEXT_H

#include "sink/memory.h"

/* So many bytes of names and paths in a file, at most; what comes later is "…". */
#define SPY_MEMORY_TEXT_BYTES ((size_t)16 << 20)

/* Characters of one name or path; longer ones lose their middle. */
#define SPY_MEMORY_TEXT_MOST 300

/* A file that is being written. */
struct spy_memory_text {
	FILE *file;
	struct spy_buffer piece; /* not written yet */
	struct spy_buffer plain; /* text as it can be shown */
	size_t used;		 /* bytes of text so far */
	bool failed;		 /* memory ran out */
};

/* text as it can be shown: no controls, valid UTF-8, within bounds. Valid until the next call. */
const char *spy_memory_visible(struct spy_memory_text *out, const char *text);

/* Appends a time in seconds, "12.345678". */
void spy_memory_put_seconds(struct spy_memory_text *out, uint64_t ns);

/* Writes the piece when there is enough of it. */
void spy_memory_flush(struct spy_memory_text *out);

/* Writes the rest and frees what it needed: 0 or -PYSPYC_ENOMEM. */
int spy_memory_end(struct spy_memory_text *out, struct pyspyc_error *err);

/* The innermost frame of a stack of the history; NULL: there is none. */
const struct spy_frame *spy_memory_innermost(const struct spy_history *history,
					     const struct pyspyc_profile *profile, uint32_t stack);

#endif
