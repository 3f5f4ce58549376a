/*
 * What the system itself takes for one read of another process's memory: the least that a sample
 * can cost. usage: bare_read PID CALLS [RATE]; prints nanoseconds of CPU per call of 4,096 bytes,
 * of which there are RATE a second: with what it takes to wake up for each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

enum { SIZE = 4096, NSEC = 1000000000 };

/* The first address of the heap, which every CPython has and uses; 0 when there is none. */
static uintptr_t heap_of(int pid)
{
	char name[64], line[512];
	unsigned long start = 0;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[heap]") && sscanf(line, "%lx-", &start) == 1)
			break;
	if (maps)
		fclose(maps);
	return start;
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Sleeps until it is due, counted from the first call. */
static void wait_for(long number, long rate)
{
	static struct timespec first;
	struct timespec due;
	int64_t ns;

	if (!number)
		clock_gettime(CLOCK_MONOTONIC, &first);
	ns = first.tv_nsec + number * (NSEC / rate);
	due = (struct timespec){ .tv_sec = first.tv_sec + ns / NSEC, .tv_nsec = ns % NSEC };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

int main(int argc, char **argv)
{
	static char buffer[SIZE];
	int pid = argc >= 3 ? atoi(argv[1]) : 0;
	long calls = argc >= 3 ? atol(argv[2]) : 0, rate = argc > 3 ? atol(argv[3]) : 0;
	struct iovec here = { .iov_base = buffer, .iov_len = SIZE };
	struct iovec there = { .iov_base = (void *)heap_of(pid), .iov_len = SIZE };
	double begin;

	if (calls <= 0 || !there.iov_base)
		return 2;
	begin = cpu_ns();
	for (long i = 0; i < calls; i++) {
		if (rate > 0)
			wait_for(i, rate);
		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != SIZE)
			return 1;
	}
	printf("%.1f\n", (cpu_ns() - begin) / (double)calls);
	return 0;
}
