/*
 * Strings, dicts and lists of a target. Every size and chain from the target is bounded;
 * what makes no sense is -PYSPYC_ECORRUPT, what cannot be read -PYSPYC_EFAULT.
 */
#ifndef SPY_CPYTHON_OBJECTS_H
#define SPY_CPYTHON_OBJECTS_H

#include "base/buffer.h"
#include "cpython/layout.h"
#include "target/memory.h"

/* Longer strings are cut here, in characters, and end in "…". */
#define SPY_STRING_LIMIT 65536
/* Dicts and lists with more entries than this are read up to here. */
#define SPY_ENTRIES_LIMIT 1000000

/* What a decoder needs to know of its target. */
struct spy_heap {
	struct spy_memory *memory;
	const struct spy_layout *layout;
	struct spy_version version;
};

/*
 * Appends a str object (str or unicode in 2.7) as UTF-8. Lone surrogates, NUL bytes and
 * bytes that are no UTF-8 (2.7) are written as \udcXX, \x00 and \xXX, so that the result is
 * always valid UTF-8 without NUL; other control characters stay as they are and are the
 * sinks' to escape.
 */
int spy_string_read(const struct spy_heap *heap, uint64_t object, struct spy_buffer *ret,
		    struct pyspyc_error *err);

/* The contents of a bytes object (str in 2.7), at most limit bytes; more is -PYSPYC_ECORRUPT. */
int spy_bytes_read(const struct spy_heap *heap, uint64_t object, size_t limit,
		   struct spy_buffer *ret, struct pyspyc_error *err);

/* Called for each entry of a dict; false ends the walk. */
typedef bool spy_dict_visitor(void *context, uint64_t key, uint64_t value);

/*
 * Visits the entries of a dict object in order: of insertion; of the table in 2.7; of the
 * shared keys, from 3.11, where instances of a class share them.
 */
int spy_dict_visit(const struct spy_heap *heap, uint64_t dict, spy_dict_visitor *visit,
		   void *context, struct pyspyc_error *err);

/* The value under a str key, or 0 in *ret when there is none. */
int spy_dict_get(const struct spy_heap *heap, uint64_t dict, const char *key, uint64_t *ret,
		 struct pyspyc_error *err);

/*
 * The attribute `name` among the first 8192 of an instance's own dict or inline values, or 0
 * in *ret; a module's dict is one, too.
 */
int spy_instance_get(const struct spy_heap *heap, uint64_t object, const char *name, uint64_t *ret,
		     struct pyspyc_error *err);

/* An int object as int64 (int and long in 2.7); -PYSPYC_ECORRUPT when it does not fit. */
int spy_long_read(const struct spy_heap *heap, uint64_t object, int64_t *ret,
		  struct pyspyc_error *err);

/* An unsigned int object below 2**64, such as a thread's ident. */
int spy_ulong_read(const struct spy_heap *heap, uint64_t object, uint64_t *ret,
		   struct pyspyc_error *err);

/* The addresses of a list's or tuple's items, *count of them; the caller frees *ret. */
int spy_list_read(const struct spy_heap *heap, uint64_t list, uint64_t **ret, size_t *count,
		  struct pyspyc_error *err);

/* The name of the type of an object (tp_name), such as "dict", cut at 256 bytes. */
int spy_type_name(const struct spy_heap *heap, uint64_t object, struct spy_buffer *ret,
		  struct pyspyc_error *err);

#endif
