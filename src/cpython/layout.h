/*
 * Where CPython keeps what: offsets in bytes inside its structs, per version and build. A
 * version is a row of src/cpython/layouts.in (made by tools/gen-layouts from CPython's own
 * headers and compiled into a table); from 3.13 on the offsets that the target itself
 * publishes (struct _Py_DebugOffsets, Include/internal/pycore_runtime.h in 3.13,
 * pycore_debug_offsets.h from 3.14) take precedence over the row's.
 */
#ifndef SPY_CPYTHON_LAYOUT_H
#define SPY_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/version.h"
#include "pyspyc/error.h"

/* An offset that this version or build has no field for. */
#define SPY_NO_FIELD UINT32_MAX

/* How a thread state leads to its innermost frame. */
enum spy_frame_family {
	SPY_FRAME_OBJECTS, /* to 3.10: PyFrameObject on the heap, tstate->frame */
	SPY_FRAME_CFRAME,  /* 3.11, 3.12: tstate->cframe->current_frame */
	SPY_FRAME_CURRENT, /* from 3.13: tstate->current_frame */
};

enum spy_line_table {
	/* To 3.9: co_lnotab, Objects/lnotab_notes.txt; line increments are signed from 3.6. */
	SPY_LINES_LNOTAB,
	SPY_LINES_LNOTAB_UNSIGNED, /* 2.7: co_lnotab with unsigned line increments */
	SPY_LINES_310,		   /* 3.10: co_linetable, Objects/lnotab_notes.txt of 3.10 */
	SPY_LINES_LOCATIONS,	   /* from 3.11: co_linetable, Objects/locations.md of 3.11 */
};

/*
 * Every field is one line here and one column in layouts.in, under the same name. Values
 * are offsets inside the struct named by the first word, except where said. The sizes of
 * _PyRuntimeState, PyInterpreterState and PyThreadState are the least of their version's:
 * micro versions append to them.
 */
#define SPY_LAYOUT_FIELDS(FIELD)                                                                   \
	/* _PyRuntimeState; SPY_NO_FIELD up to 3.6 */                                              \
	FIELD(runtime_size) /* sizeof */                                                           \
	FIELD(runtime_interpreters_head)                                                           \
	FIELD(runtime_tstate_current) /* gilstate.tstate_current, 3.7-3.11 */                      \
	FIELD(runtime_finalizing)                                                                  \
	FIELD(runtime_gil_locked) /* ceval.gil.locked, 3.7-3.11 */                                 \
	FIELD(runtime_gil)	  /* ceval.gil, a struct _gil_runtime_state, 3.7-3.11 */           \
	FIELD(runtime_gc_collecting) /* gc.collecting, int, 3.7 and 3.8 */                         \
	/* PyInterpreterState */                                                                   \
	FIELD(interp_size) /* sizeof */                                                            \
	FIELD(interp_next)                                                                         \
	FIELD(interp_id) /* int64; none in 2.7 and 3.6 */                                          \
	FIELD(interp_threads_head)                                                                 \
	FIELD(interp_modules) /* imports.modules from 3.12 */                                      \
	FIELD(interp_sysdict)                                                                      \
	FIELD(interp_ceval_gil)	      /* a pointer to struct _gil_runtime_state, from 3.12 */      \
	FIELD(interp_code_generation) /* _code_object_generation, 3.14 */                          \
	FIELD(interp_gc_collecting)   /* gc.collecting, int, from 3.9 */                           \
	FIELD(gil_size)		      /* sizeof(struct _gil_runtime_state), from 3.7 */            \
	FIELD(gil_locked)	      /* in struct _gil_runtime_state */                           \
	FIELD(gil_last_holder)                                                                     \
	FIELD(gil_enabled) /* free-threaded builds */                                              \
	/* PyThreadState */                                                                        \
	FIELD(tstate_size) /* sizeof */                                                            \
	FIELD(tstate_next)                                                                         \
	FIELD(tstate_interp)                                                                       \
	FIELD(tstate_frame)	       /* SPY_FRAME_OBJECTS */                                     \
	FIELD(tstate_cframe)	       /* SPY_FRAME_CFRAME */                                      \
	FIELD(tstate_current_frame)    /* SPY_FRAME_CURRENT */                                     \
	FIELD(tstate_base_frame)       /* from 3.15: the sentinel at the chain's end */            \
	FIELD(tstate_thread_id)	       /* pthread_t, unsigned long */                              \
	FIELD(tstate_native_thread_id) /* from 3.11, unsigned long */                              \
	FIELD(tstate_status)	       /* the _status bit-field, from 3.12 */                      \
	FIELD(tstate_state)	       /* attached, detached, suspended: int, from 3.13 */         \
	FIELD(tstate_holds_gil)	       /* int, from 3.14 */                                        \
	FIELD(tstate_gil_requested)    /* int, from 3.15 */                                        \
	FIELD(tstate_datastack_chunk)  /* from 3.11 */                                             \
	FIELD(tstate_datastack_top)    /* from 3.11 */                                             \
	FIELD(cframe_current_frame)    /* _PyCFrame, 3.11 and 3.12 */                              \
	/* PyFrameObject (to 3.10) or _PyInterpreterFrame */                                       \
	FIELD(frame_size)	/* sizeof up to localsplus */                                      \
	FIELD(frame_back)	/* f_back or previous */                                           \
	FIELD(frame_code)	/* f_code or f_executable; low bits may be tags */                 \
	FIELD(frame_lasti)	/* int f_lasti, to 3.10 */                                         \
	FIELD(frame_gen)	/* PyObject *f_gen, 3.6 to 3.10: the generator it belongs to */    \
	FIELD(frame_instr_ptr)	/* prev_instr (3.11, 3.12) or instr_ptr */                         \
	FIELD(frame_owner)	/* char, from 3.11 */                                              \
	FIELD(frame_tlbc_index) /* int32, free-threaded from 3.14 */                               \
	FIELD(frame_localsplus)                                                                    \
	/* PyCodeObject */                                                                         \
	FIELD(code_size) /* sizeof up to co_code_adaptive */                                       \
	FIELD(code_filename)                                                                       \
	FIELD(code_name)                                                                           \
	FIELD(code_qualname)	   /* from 3.11 */                                                 \
	FIELD(code_firstlineno)	   /* int */                                                       \
	FIELD(code_linetable)	   /* co_lnotab to 3.9 */                                          \
	FIELD(code_code)	   /* co_code (an object, to 3.10) or co_code_adaptive (inline) */ \
	FIELD(code_firsttraceable) /* _co_firsttraceable, int, from 3.11 */                        \
	FIELD(code_tlbc)	   /* co_tlbc, free-threaded from 3.14 */                          \
	/* PyObject, PyVarObject, PyTypeObject */                                                  \
	FIELD(object_size) /* sizeof(PyObject) */                                                  \
	FIELD(object_type)                                                                         \
	/* Bytes *before* the object, for types with Py_TPFLAGS_MANAGED_DICT */                    \
	FIELD(object_managed_dict)   /* the dict's address or NULL, from 3.11 */                   \
	FIELD(object_managed_values) /* PyDictValues *, 3.11; in 3.12 one less, in the */          \
	/* dict's word, so that an odd word means values */                                        \
	FIELD(var_size) /* ob_size */                                                              \
	FIELD(type_name)                                                                           \
	FIELD(type_basicsize)                                                                      \
	FIELD(type_dictoffset)                                                                     \
	FIELD(type_flags)                                                                          \
	FIELD(heap_type_cached_keys) /* ht_cached_keys */                                          \
	/* PyUnicodeObject, PyBytesObject (str in 2.7) */                                          \
	FIELD(unicode_length)                                                                      \
	FIELD(unicode_str)	    /* Py_UNICODE *, 2.7; the fields below from 3.3 */             \
	FIELD(unicode_state)	    /* a 32-bit bit-field (see unicode.c) */                       \
	FIELD(unicode_ascii_data)   /* sizeof(PyASCIIObject) */                                    \
	FIELD(unicode_compact_data) /* sizeof(PyCompactUnicodeObject) */                           \
	FIELD(bytes_data)	    /* ob_sval */                                                  \
	/* PyListObject, PyTupleObject */                                                          \
	FIELD(list_items)                                                                          \
	FIELD(tuple_items)                                                                         \
	/* PyDictObject, and PyDictKeysObject (from 3.3) or 2.7's ma_mask and ma_table */          \
	FIELD(dict_keys)   /* ma_keys; ma_table in 2.7 */                                          \
	FIELD(dict_values) /* ma_values; none in 2.7 */                                            \
	FIELD(dict_mask)   /* ma_mask, 2.7 */                                                      \
	FIELD(keys_size)   /* dk_size (Py_ssize_t) to 3.10, dk_log2_size (a byte) from 3.11 */     \
	FIELD(keys_log2_index_bytes) /* the size of dk_indices, a byte, from 3.11 */               \
	FIELD(keys_kind)	     /* dk_kind, from 3.11 */                                      \
	FIELD(keys_nentries)                                                                       \
	FIELD(keys_indices)                                                                        \
	FIELD(dictvalues_values) /* PyObject *values[] in PyDictValues, from 3.11 */               \
	FIELD(long_digits)	 /* ob_digit; the word before it is ob_size or lv_tag */           \
	/* _PyRuntimeState.tracemalloc, a struct _tracemalloc_runtime_state, from 3.12 */           \
	FIELD(runtime_tracemalloc)                                                                 \
	FIELD(tracemalloc_size) /* sizeof */                                                       \
	FIELD(tracemalloc_config)                                                                  \
	FIELD(tracemalloc_traced) /* bytes, size_t */                                              \
	FIELD(tracemalloc_peak)                                                                    \
	FIELD(tracemalloc_filenames)  /* these point to a _Py_hashtable_t each */                  \
	FIELD(tracemalloc_tracebacks)                                                              \
	FIELD(tracemalloc_traces)                                                                  \
	FIELD(tracemalloc_domains)                                                                 \
	FIELD(tracemalloc_lock)	 /* tables_lock: points to a sem_t, to 3.13 */                     \
	FIELD(tracemalloc_mutex) /* tables_lock, a PyMutex, from 3.14 */                           \
	/* struct _PyTraceMalloc_Config, ints; from 3.6 */                                         \
	FIELD(tracemalloc_initialized)                                                             \
	FIELD(tracemalloc_tracing)                                                                 \
	FIELD(tracemalloc_max_nframe)                                                              \
	/* traceback_t, struct tracemalloc_traceback */                                            \
	FIELD(tracemalloc_tb_nframe) /* int; uint16 where there is a total */                      \
	FIELD(tracemalloc_tb_total)  /* total_nframe, uint16, from 3.9 */                          \
	FIELD(tracemalloc_tb_frames)                                                               \
	/* frame_t, struct tracemalloc_frame; packed */                                            \
	FIELD(tracemalloc_frame_size)	/* sizeof */                                               \
	FIELD(tracemalloc_frame_object) /* filename, a str, to 3.14 */                             \
	FIELD(tracemalloc_frame_text)	/* filename, a char *, from 3.15 */                        \
	FIELD(tracemalloc_frame_line)	/* unsigned int */                                         \
	/* trace_t */                                                                              \
	FIELD(tracemalloc_trace_size) /* bytes, size_t */                                          \
	FIELD(tracemalloc_trace_tb)   /* traceback */                                              \
	/* _Py_hashtable_t; up to 3.8 keys and data of a size stand in the entries themselves */   \
	FIELD(hashtable_size)	 /* sizeof */                                                      \
	FIELD(hashtable_entries) /* how many: entries, nentries */                                 \
	FIELD(hashtable_bucket_count)                                                              \
	FIELD(hashtable_buckets)                                                                   \
	FIELD(hashtable_key_size)  /* to 3.8 */                                                    \
	FIELD(hashtable_data_size) /* to 3.8 */                                                    \
	FIELD(hashtable_hash_func)                                                                 \
	FIELD(hashtable_compare_func)                                                              \
	FIELD(hashtable_key_destroy)   /* from 3.9 */                                              \
	FIELD(hashtable_value_destroy) /* from 3.9 */                                              \
	FIELD(hashtable_alloc)	       /* two functions */                                         \
	/* _Py_hashtable_entry_t */                                                                \
	FIELD(hashtable_entry_size) /* sizeof; to 3.8 the key stands behind it, then the data */   \
	FIELD(hashtable_entry_next)                                                                \
	FIELD(hashtable_entry_hash)                                                                \
	FIELD(hashtable_entry_key) /* from 3.9 */                                                  \
	FIELD(hashtable_entry_value)                                                               \
	/* Where struct _gc_runtime_state is: in _PyRuntimeState to 3.8, else in interpreters */    \
	FIELD(gc_state)                                                                            \
	/* struct _gc_runtime_state, from 3.7 */                                                   \
	FIELD(gc_enabled)	       /* int */                                                   \
	FIELD(gc_debug)		       /* int */                                                   \
	FIELD(gc_generations)	       /* three struct gc_generation; young and old[2] */          \
	FIELD(gc_permanent)	       /* one more */                                              \
	FIELD(gc_stats)		       /* three gc_generation_stats; from 3.15 a gc_stats * */     \
	FIELD(gc_garbage)	       /* a list */                                                \
	FIELD(gc_visited_space)	       /* int, 3.14.0 to 3.14.4: which old one is generation 1 */  \
	FIELD(gc_long_lived_total)     /* Py_ssize_t */                                            \
	FIELD(gc_long_lived_pending)   /* Py_ssize_t */                                            \
	FIELD(gc_freeze_active)	       /* int, free-threaded from 3.14 */                          \
	FIELD(gc_generation_size)      /* sizeof(struct gc_generation), its list's head first */   \
	FIELD(gc_generation_threshold) /* int */                                                   \
	FIELD(gc_generation_count)     /* int */                                                   \
	FIELD(gc_stats_size)	       /* sizeof(struct gc_generation_stats), from 3.4 */          \
	FIELD(gc_stats_collections)    /* Py_ssize_t, as the next two */                           \
	FIELD(gc_stats_collected)                                                                  \
	FIELD(gc_stats_uncollectable)                                                              \
	FIELD(gc_stats_start)	 /* PyTime_t in ns, as the next; from 3.15 */                      \
	FIELD(gc_stats_stop)                                                                       \
	FIELD(gc_stats_duration) /* double, in s */                                                \
	FIELD(gc_ring_size)	 /* sizeof(struct gc_stats), from 3.15 */                          \
	FIELD(gc_ring_young_end) /* struct gc_young_stats_buffer: the size of its items */         \
	FIELD(gc_ring_old)	 /* struct gc_stats: two struct gc_old_stats_buffer */             \
	FIELD(gc_ring_old_end)	 /* struct gc_old_stats_buffer: the size of its items */           \
	FIELD(gc_ring_old_size)	 /* sizeof(struct gc_old_stats_buffer) */

struct spy_layout {
	enum spy_frame_family frames;
	enum spy_line_table lines;
#define SPY_LAYOUT_MEMBER(name) uint32_t name;
	SPY_LAYOUT_FIELDS(SPY_LAYOUT_MEMBER)
#undef SPY_LAYOUT_MEMBER
};

/* The architectures that the table has rows for. */
enum spy_arch {
	SPY_ARCH_X86_64,
	SPY_ARCH_AARCH64,
};

/* What this program was compiled for; targets are of the same architecture. */
#if defined(__x86_64__)
#define SPY_ARCH_HERE SPY_ARCH_X86_64
#elif defined(__aarch64__)
#define SPY_ARCH_HERE SPY_ARCH_AARCH64
#else
#error "pyspyc knows x86-64 and aarch64 only"
#endif

/*
 * The table's layout for a version and build on arch. -PYSPYC_EVERSION, with a message that
 * names what was found and what is known, when there is none.
 */
int spy_layout_find(const struct spy_version *version, enum spy_arch arch, struct spy_layout *ret,
		    struct pyspyc_error *err);

/* "xdebugpy", the first bytes of struct _Py_DebugOffsets and so of _PyRuntime from 3.13. */
#define SPY_DEBUG_OFFSETS_COOKIE "xdebugpy"
/* As many bytes as any version's struct _Py_DebugOffsets takes. */
#define SPY_DEBUG_OFFSETS_LIMIT 2048

/*
 * Parses the start of _PyRuntime of 3.13 or later, size bytes from the target (hostile), and
 * gives the version and layout. The struct does not tell a debug build: the caller sets
 * version->debug, and the rest of *version is written. Fields that the struct does not
 * publish come from the table's row for that version and build. Every offset is checked to
 * lie inside its struct and to agree with the others; -PYSPYC_ECORRUPT when one does not,
 * -PYSPYC_EVERSION for a version that is not known. On failure *ret is undefined, *version
 * holds what was read of it.
 */
int spy_debug_offsets_parse(const void *bytes, size_t size, enum spy_arch arch,
			    struct spy_version *version, struct spy_layout *ret,
			    struct pyspyc_error *err);

/*
 * True when a layout's fields all lie within sane bounds: below 1 MiB, sizes not 0, and the
 * fields that lead from struct to struct inside theirs.
 */
bool spy_layout_sane(const struct spy_layout *layout);

#endif
