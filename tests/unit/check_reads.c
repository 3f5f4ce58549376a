/*
 * How often a process's memory is read: `check_reads PID MODE PASSES` looks at it so often, every two
 * milliseconds, after fifty times that do not count, and prints how often it was read and how many
 * stacks there were. MODE is all, active or gil.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sample/sampler.h"

#define BEFORE 50

struct counting {
	struct spy_memory memory;
	struct spy_memory *target;
	unsigned reads;
};

static int counting_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			 struct pyspyc_error *err)
{
	struct counting *counting = (struct counting *)memory;

	counting->reads++;
	return spy_memory_readv(counting->target, ranges, count, err);
}

static const struct spy_memory_ops counting_ops = { .read = counting_read };

static void visit(void *context, const struct spy_thread *thread, const struct spy_stack *stack,
		  int result, const struct pyspyc_error *err)
{
	unsigned *stacks = context;

	*stacks += stack != NULL;
}

static enum spy_select selection(const char *mode)
{
	if (strcmp(mode, "gil") == 0)
		return SPY_SELECT_GIL;
	return strcmp(mode, "active") == 0 ? SPY_SELECT_ACTIVE : SPY_SELECT_ALL;
}

int main(int argc, char **argv)
{
	static const struct timespec gap = { .tv_nsec = 2000000 };
	struct spy_sampler *sampler = NULL;
	struct pyspyc_error err = { 0 };
	unsigned stacks = 0;
	struct spy_pass pass = { .visit = visit, .context = &stacks, .turns_only = true };
	struct counting counting = { .memory.ops = &counting_ops };
	int i, passes = argc == 4 ? atoi(argv[3]) : 0;

	if (passes <= 0 || spy_sampler_open(atoi(argv[1]), PYSPYC_BLOCKING_AUTO, &sampler, &err) < 0) {
		fprintf(stderr, "check_reads: %s\n", err.message);
		return 2;
	}
	counting.target = sampler->reader.heap.memory;
	sampler->reader.heap.memory = &counting.memory;
	pass.select = selection(argv[2]);
	pass.stacks_only = pass.select == SPY_SELECT_ALL;
	for (i = 0; i < BEFORE + passes; i++) {
		if (i == BEFORE)
			counting.reads = stacks = 0;
		pass.now_ns = spy_clock_now();
		if (spy_sampler_pass(sampler, &pass, &err) < 0) {
			fprintf(stderr, "check_reads: %s\n", err.message);
			return 1;
		}
		nanosleep(&gap, NULL);
	}
	printf("%u %u\n", counting.reads, stacks);
	sampler->reader.heap.memory = counting.target;
	spy_sampler_close(sampler);
	return 0;
}
