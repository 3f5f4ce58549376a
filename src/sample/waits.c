#include "sample/waits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpython/frames.h"

/* A sem_t, which is what 2.7's lock is. */
#define SEMAPHORE_SIZE 32

bool spy_syscall_parse(const char *text, struct spy_syscall *ret)
{
	char *end;
	size_t i;

	*ret = (struct spy_syscall){ 0 };
	errno = 0;
	ret->number = strtol(text, &end, 10);
	if (end == text || *end != ' ' || errno || ret->number < -1)
		return false;
	for (i = 0; ret->number >= 0 && i < 6; i++) {
		text = end;
		ret->arguments[i] = strtoull(text, &end, 16);
		if (end == text || *end != ' ' || errno)
			return false;
	}
	return true;
}

void spy_gil_place_read(const struct spy_heap *heap, const struct spy_python *python,
			const struct spy_interpreter *interpreter, struct spy_gil_place *ret)
{
	uint64_t lock;

	*ret = (struct spy_gil_place){ 0 };
	if (interpreter->gil) {
		*ret = (struct spy_gil_place){ interpreter->gil, heap->layout->gil_size };
	} else if (python->gil && !python->gil_is_lock) {
		*ret = (struct spy_gil_place){ python->gil, python->gil_size };
	} else if (python->gil &&
		   spy_memory_read_word(heap->memory, python->gil, &lock, NULL) == 0 &&
		   spy_address_plausible(lock)) {
		*ret = (struct spy_gil_place){ lock, SEMAPHORE_SIZE };
	}
}

void spy_gil_place_of(const struct spy_heap *heap, const struct spy_python *python,
		      const struct spy_thread_states *states,
		      const struct spy_thread_state *thread, struct spy_gil_place *ret)
{
	*ret = (struct spy_gil_place){ 0 };
	if (!thread->gil && !states->gil_disabled &&
	    thread->interpreter_index < states->interpreter_count)
		spy_gil_place_read(heap, python, &states->interpreters[thread->interpreter_index],
				   ret);
}

bool spy_waits_at(const struct spy_syscall *call, const struct spy_gil_place *place)
{
	return call->number == SYS_futex && place->size && call->arguments[0] >= place->start &&
	       call->arguments[0] - place->start < place->size;
}

static bool read_syscall(pid_t pid, pid_t tid, struct spy_syscall *ret)
{
	char path[64], text[256];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return false;
	text[size] = '\0';
	return spy_syscall_parse(text, ret);
}

enum spy_wait spy_wait_read(const struct spy_heap *heap, const struct spy_python *python,
			    const struct spy_thread_states *states,
			    const struct spy_thread_state *thread, pid_t pid, pid_t tid)
{
	const struct spy_layout *layout = heap->layout;
	struct spy_gil_place place;
	struct spy_syscall call;
	int32_t requested;

	if (!thread->gil && layout->tstate_gil_requested != SPY_NO_FIELD &&
	    spy_memory_read_int(heap->memory, thread->address + layout->tstate_gil_requested,
				&requested, NULL) == 0 &&
	    requested)
		return SPY_WAIT_GIL;
	if (!tid || !read_syscall(pid, tid, &call))
		return SPY_WAIT_NONE;
	if (thread->gil || thread->interpreter_index >= states->interpreter_count)
		return SPY_WAIT_OTHER;
	spy_gil_place_read(heap, python, &states->interpreters[thread->interpreter_index], &place);
	return spy_waits_at(&call, &place) ? SPY_WAIT_GIL : SPY_WAIT_OTHER;
}
