/*
 * The file that tracemalloc.Snapshot.load opens: a pickle of protocol 2 (Lib/pickletools.py has the
 * opcodes) that calls tracemalloc.Snapshot(traces, traceback_limit), so that each version makes its
 * own kind of object of it. A trace is (domain, size, frames) to 3.8 and has the number of frames
 * before they were cut behind these from 3.9 on (Trace in Lib/tracemalloc.py); frames are pairs of
 * file and line, the innermost first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/tracemalloc.h"

enum opcode {
	MARK = '(',
	STOP = '.',
	BININT = 'J',
	BININT1 = 'K',
	BININT2 = 'M',
	LONG1 = 0x8a,
	REDUCE = 'R',
	BINUNICODE = 'X',
	APPENDS = 'e',
	GLOBAL = 'c',
	LONG_BINGET = 'j',
	LONG_BINPUT = 'r',
	EMPTY_LIST = ']',
	PROTO = 0x80,
	TUPLE = 't',
	TUPLE2 = 0x86,
	TUPLE3 = 0x87,
};

#define PROTOCOL 2
/* The unpickler holds what is between MARK and APPENDS on its stack. */
#define APPENDED_AT_ONCE 1000

struct pickle {
	FILE *file;
	const struct spy_tracemalloc_owner *owner;
	uint32_t memo;	      /* objects that were kept under a number */
	uint32_t *files;      /* the numbers of names, plus one; 0: not written yet */
	uint32_t *tracebacks; /* the same of tuples of frames */
};

static void put_opcode(struct pickle *pickle, enum opcode opcode)
{
	fputc((int)opcode, pickle->file);
}

/* The lowest bytes of number, the least first. */
static void put_bytes(struct pickle *pickle, uint64_t number, unsigned bytes)
{
	for (; bytes; bytes--, number >>= 8)
		fputc((int)(number & 0xff), pickle->file);
}

static void put_number(struct pickle *pickle, uint64_t number)
{
	if (number <= UINT8_MAX) {
		put_opcode(pickle, BININT1);
		put_bytes(pickle, number, 1);
	} else if (number <= UINT16_MAX) {
		put_opcode(pickle, BININT2);
		put_bytes(pickle, number, 2);
	} else if (number <= INT32_MAX) {
		put_opcode(pickle, BININT);
		put_bytes(pickle, number, 4);
	} else {
		put_opcode(pickle, LONG1);
		put_bytes(pickle, 9, 1); /* so that the sign is 0 */
		put_bytes(pickle, number, 8);
		put_bytes(pickle, 0, 1);
	}
}

/* Keeps the topmost object; returns its number plus one. */
static uint32_t keep(struct pickle *pickle)
{
	put_opcode(pickle, LONG_BINPUT);
	put_bytes(pickle, pickle->memo, 4);
	return ++pickle->memo;
}

static bool get(struct pickle *pickle, uint32_t kept)
{
	if (!kept)
		return false;
	put_opcode(pickle, LONG_BINGET);
	put_bytes(pickle, kept - 1, 4);
	return true;
}

static void put_file(struct pickle *pickle, uint32_t file)
{
	const char *name = pickle->owner->raw.files.texts[file];
	size_t size = strlen(name);

	if (get(pickle, pickle->files[file]))
		return;
	put_opcode(pickle, BINUNICODE);
	put_bytes(pickle, size, 4);
	fwrite(name, 1, size, pickle->file);
	pickle->files[file] = keep(pickle);
}

static void put_traceback(struct pickle *pickle, uint32_t index)
{
	const struct spy_traces *raw = &pickle->owner->raw;
	const struct spy_traceback *traceback = &raw->tracebacks[index];
	unsigned i;

	if (get(pickle, pickle->tracebacks[index]))
		return;
	put_opcode(pickle, MARK);
	for (i = 0; i < traceback->count; i++) {
		const struct spy_traced_frame *frame = &raw->frames[traceback->first + i];

		put_file(pickle, frame->file);
		put_number(pickle, frame->line);
		put_opcode(pickle, TUPLE2);
	}
	put_opcode(pickle, TUPLE);
	pickle->tracebacks[index] = keep(pickle);
}

static void put_trace(struct pickle *pickle, const struct spy_trace *trace)
{
	if (pickle->owner->totals)
		put_opcode(pickle, MARK);
	put_number(pickle, trace->domain);
	put_number(pickle, trace->size);
	put_traceback(pickle, trace->traceback);
	if (pickle->owner->totals) {
		put_number(pickle, pickle->owner->raw.tracebacks[trace->traceback].total);
		put_opcode(pickle, TUPLE);
	} else {
		put_opcode(pickle, TUPLE3);
	}
}

static void put_snapshot(struct pickle *pickle)
{
	const struct spy_traces *raw = &pickle->owner->raw;
	size_t i;

	put_opcode(pickle, PROTO);
	put_bytes(pickle, PROTOCOL, 1);
	put_opcode(pickle, GLOBAL);
	fputs("tracemalloc\nSnapshot\n", pickle->file);
	put_opcode(pickle, EMPTY_LIST);
	for (i = 0; i < raw->count && !ferror(pickle->file); i++) {
		if (i % APPENDED_AT_ONCE == 0)
			put_opcode(pickle, MARK);
		put_trace(pickle, &raw->items[i]);
		if (i % APPENDED_AT_ONCE == APPENDED_AT_ONCE - 1 || i + 1 == raw->count)
			put_opcode(pickle, APPENDS);
	}
	put_number(pickle, pickle->owner->traces.frame_limit);
	put_opcode(pickle, TUPLE2);
	put_opcode(pickle, REDUCE);
	put_opcode(pickle, STOP);
}

PYSPYC_EXPORT int pyspyc_tracemalloc_write(const struct pyspyc_tracemalloc *traces, FILE *file,
					   struct pyspyc_error *err)
{
	const struct spy_tracemalloc_owner *owner = spy_tracemalloc_owner(traces);
	spy_autofree uint32_t *files = calloc((size_t)owner->raw.files.count + 1, sizeof(*files));
	spy_autofree uint32_t *tracebacks = calloc((size_t)owner->raw.traceback_count + 1,
						   sizeof(*tracebacks));
	struct pickle pickle = {
		.file = file, .owner = owner, .files = files, .tracebacks = tracebacks
	};

	if (!files || !tracebacks)
		return spy_nomem(err);
	errno = 0;
	put_snapshot(&pickle);
	if (fflush(file) != 0 || ferror(file))
		return spy_fail_errno(err, PYSPYC_EIO, errno ? errno : EIO,
				      "cannot write the traces");
	return 0;
}
