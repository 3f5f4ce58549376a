/* target/: mappings, stat lines, memory of images and of a live process, stopping a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/maps.h"
#include "target/memory.h"
#include "target/pause.h"
#include "target/process.h"

static const char maps_text[] =
	"00400000-00b00000 r-xp 00001000 fe:00 1234                       /usr/bin/python3.14\n"
	"7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
	"7f1000000000-7f1000001000 r--s 00000000 08:01 99 /tmp/with space (deleted)\n"
	"7f2000000000-7f2000001000 r-xp 00000000 08:01 98 /tmp/new\\012line\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static void test_maps_are_parsed(void **state)
{
	struct spy_maps maps;

	assert_int_equal(spy_maps_parse(maps_text, sizeof(maps_text) - 1, &maps, NULL), 0);
	assert_int_equal(maps.count, 5);
	assert_string_equal(maps.items[0].path, "/usr/bin/python3.14");
	assert_int_equal(maps.items[0].flags, SPY_MAP_READ | SPY_MAP_EXEC);
	assert_int_equal(maps.items[0].offset, 0x1000);
	assert_int_equal(maps.items[0].inode, 1234);
	assert_int_equal(maps.items[0].device_major, 0xfe);
	assert_string_equal(maps.items[1].path, "");
	assert_string_equal(maps.items[2].path, "/tmp/with space");
	assert_int_equal(maps.items[2].flags, SPY_MAP_READ | SPY_MAP_SHARED | SPY_MAP_DELETED);
	assert_string_equal(maps.items[3].path, "/tmp/new\nline");
	assert_ptr_equal(spy_maps_find(&maps, 0x7f0000000000), &maps.items[1]);
	assert_ptr_equal(spy_maps_find(&maps, 0x7f0000020fff), &maps.items[1]);
	assert_null(spy_maps_find(&maps, 0x7f0000021000));
	assert_null(spy_maps_find(&maps, 0));
	spy_maps_free(&maps);
}

static void test_maps_that_make_no_sense(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"00400000-00300000 r-xp 0 fe:00 1 /x\n",
		"00400000 r-xp 0 fe:00 1 /x\n",
		"1ffffffffffffffff-2 r-xp 0 fe:00 1 /x\n",
		"00400000-00b00000 r\n",
	};
	struct spy_maps maps;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pyspyc_error err = { 0 };

		assert_int_equal(spy_maps_parse(bad[i], strlen(bad[i]), &maps, &err),
				 -PYSPYC_ECORRUPT);
		assert_true(err.message[0]);
	}
	assert_int_equal(spy_maps_parse("", 0, &maps, NULL), 0);
	assert_int_equal(maps.count, 0);
}

static void test_stat_with_a_hostile_name(void **state)
{
	static const char text[] =
		"12 (a) R 1 (b\xff) S 77 12 12 0 -1 4194304 1 2 3 4 55 66 0 0 20 0 "
		"1 0 987654 1 2\n";
	struct spy_stat stat;

	assert_int_equal(spy_stat_parse(text, sizeof(text) - 1, &stat, NULL), 0);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.ppid, 77);
	assert_int_equal(stat.utime, 55);
	assert_int_equal(stat.stime, 66);
	assert_int_equal(stat.start_time, 987654);
	assert_string_equal(stat.command, "a) R 1 (b\\xff");
	assert_int_equal(spy_stat_parse("12 (x", 5, &stat, NULL), -PYSPYC_ECORRUPT);
	assert_int_equal(spy_stat_parse("12 (x) S 1", 10, &stat, NULL), -PYSPYC_ECORRUPT);
}

static void test_image_memory(void **state)
{
	const struct spy_segment segments[] = {
		{ 0x2000, "efgh", 4 },
		{ 0x1ffc, "abcd", 4 },
		{ 0x9000, "xyz", 3 },
	};
	struct spy_memory *memory;
	struct pyspyc_error err = { 0 };
	char bytes[8];

	assert_int_equal(spy_memory_open_image(segments, 3, &memory, NULL), 0);
	assert_int_equal(spy_memory_read(memory, 0x1ffd, bytes, 6, NULL), 0);
	assert_memory_equal(bytes, "bcdefg", 6);
	assert_int_equal(spy_memory_read(memory, 0x9001, bytes, 3, &err), -PYSPYC_EFAULT);
	assert_int_equal(err.address, 0x9003);
	assert_int_equal(spy_memory_read(memory, UINT64_MAX - 1, bytes, 8, &err), -PYSPYC_EFAULT);
	spy_memory_close(memory);
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_live_memory_names_the_bad_address(void **state)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char first[4], second[4096];
	struct pyspyc_error err = { 0 };
	struct spy_memory *memory;
	uint64_t base = (uintptr_t)page;
	struct spy_range ranges[2] = { { base, first, 4 }, { base + 2048, second, 4096 } };
	pid_t pid;

	memcpy(page, "live", 4);
	munmap(page + 4096, 4096);
	pid = start_child();
	assert_int_equal(spy_memory_open_live(pid, &memory, NULL), 0);
	assert_int_equal(spy_memory_readv(memory, ranges, 1, &err), 0);
	assert_memory_equal(first, "live", 4);
	assert_int_equal(spy_memory_readv(memory, ranges, 2, &err), -PYSPYC_EFAULT);
	assert_in_range(err.address, base + 2048, base + 4096);
	end_child(pid);
	assert_int_equal(spy_memory_readv(memory, ranges, 1, &err), -PYSPYC_ENOPROC);
	spy_memory_close(memory);
	munmap(page, 4096);
}

static void put_range(struct spy_range *range, char *bytes, size_t offset, void *buffer,
		      size_t size)
{
	*range = (struct spy_range){ (uintptr_t)bytes + offset, buffer, size };
}

/* Ranges that follow closely are read as one piece: each buffer gets its own bytes all the same. */
static void test_live_memory_keeps_ranges_apart(void **state)
{
	char *bytes = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffers[6][16];
	struct pyspyc_error err = { 0 };
	struct spy_memory *memory;
	struct spy_range ranges[6];
	pid_t pid;
	int i;

	for (i = 0; i < 8192; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	munmap(bytes + 8192, 4096);
	pid = start_child();
	assert_int_equal(spy_memory_open_live(pid, &memory, NULL), 0);
	memset(buffers, 0x55, sizeof(buffers));
	put_range(&ranges[0], bytes, 100, buffers[0], 8);
	put_range(&ranges[1], bytes, 108, buffers[1], 8);   /* without a gap */
	put_range(&ranges[2], bytes, 200, buffers[2], 8);   /* with one */
	put_range(&ranges[3], bytes, 204, buffers[3], 8);   /* overlapping */
	put_range(&ranges[4], bytes, 50, buffers[4], 8);    /* before it */
	put_range(&ranges[5], bytes, 4090, buffers[5], 16); /* over a page's end */
	assert_int_equal(spy_memory_readv(memory, ranges, 6, &err), 0);
	for (i = 0; i < 6; i++) {
		assert_memory_equal(buffers[i], (char *)(uintptr_t)ranges[i].address,
				    ranges[i].size);
		assert_true(ranges[i].size == 16 || buffers[i][8] == 0x55);
	}
	/* The one that cannot be read is named, not the gap before it. */
	put_range(&ranges[0], bytes, 8180, buffers[0], 8);
	put_range(&ranges[1], bytes, 8200, buffers[1], 8);
	assert_int_equal(spy_memory_readv(memory, ranges, 2, &err), -PYSPYC_EFAULT);
	assert_true(err.address == (uintptr_t)bytes + 8200);
	end_child(pid);
	spy_memory_close(memory);
	munmap(bytes, 8192);
}

/* More than one system call takes. */
static void test_live_memory_reads_many_ranges(void **state)
{
	enum { MANY = 3000 };
	static uint32_t numbers[4 * MANY], copies[MANY];
	static struct spy_range ranges[MANY];
	struct pyspyc_error err = { 0 };
	struct spy_memory *memory;
	pid_t pid;
	int i;

	for (i = 0; i < 4 * MANY; i++)
		numbers[i] = (uint32_t)i;
	for (i = 0; i < MANY; i++)
		put_range(&ranges[i], (char *)&numbers[4 * i], 0, &copies[MANY - 1 - i], 4);
	pid = start_child();
	assert_int_equal(spy_memory_open_live(pid, &memory, NULL), 0);
	assert_int_equal(spy_memory_readv(memory, ranges, MANY, &err), 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(copies[MANY - 1 - i], 4 * i);
	end_child(pid);
	spy_memory_close(memory);
}

static void test_process_knows_itself_and_its_end(void **state)
{
	struct spy_process *process;
	struct pyspyc_error err = { 0 };
	pid_t pid = start_child();

	assert_int_equal(spy_process_open(pid, &process, &err), 0);
	assert_true(process->maps.count > 3);
	assert_true(spy_process_same_image(process));
	assert_true(spy_process_alive(process));
	assert_true(process->same_root);
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	assert_false(spy_process_same_image(process));
	assert_false(spy_process_alive(process));
	spy_process_close(process);
	assert_int_equal(spy_process_open(pid, &process, &err), -PYSPYC_ENOPROC);
	assert_non_null(strstr(err.message, "zombie"));
	waitpid(pid, NULL, 0);
	assert_int_equal(spy_process_open(pid, &process, &err), -PYSPYC_ENOPROC);
	assert_int_equal(spy_process_open(getpid(), &process, &err), -PYSPYC_EINVAL);
	assert_int_equal(spy_process_open(-4, &process, &err), -PYSPYC_EINVAL);
}

static void *outlive(void *context)
{
	const int *ends = context;
	char byte;

	(void)!read(ends[0], &byte, 1);
	_exit(0);
}

/* In a child: the first thread ends, another stays until the pipe is closed. */
static pid_t start_headless(int ends[2])
{
	pthread_t thread;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		pthread_create(&thread, NULL, outlive, ends);
		pthread_exit(NULL);
	}
	close(ends[0]);
	return pid;
}

static void wait_for_zombie(pid_t pid)
{
	struct spy_stat stat;
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		assert_int_equal(spy_stat_read(pid, 0, &stat, NULL), 0);
		if (stat.state == 'Z')
			return;
		usleep(1000);
	}
	fail_msg("process %d has not become a zombie", (int)pid);
}

static void test_pid_lives_as_long_as_a_thread(void **state)
{
	struct rlimit before, none;
	siginfo_t info;
	int ends[2];
	pid_t pid = start_headless(ends);

	wait_for_zombie(pid);
	assert_true(spy_pid_alive(pid, 0));
	assert_false(spy_pid_alive(pid, 1));
	close(ends[1]);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_false(spy_pid_alive(pid, 0));
	waitpid(pid, NULL, 0);
	assert_false(spy_pid_alive(pid, 0));
	/* No descriptor to look with says nothing about the process. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(spy_pid_alive(getpid(), 0));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_pause_stops_and_lets_go(void **state)
{
	struct spy_pause stop = { 0 };
	struct spy_stat stat;
	pid_t pid = start_child();
	int i;

	for (i = 0; i < 100; i++) {
		assert_int_equal(spy_pause_begin(pid, pid, &stop, NULL), 0);
		assert_int_equal(spy_stat_read(pid, pid, &stat, NULL), 0);
		assert_int_equal(stat.state, 't');
		spy_pause_end(&stop);
		assert_false(stop.attached);
	}
	do
		assert_int_equal(spy_stat_read(pid, pid, &stat, NULL), 0);
	while (stat.state == 't' || stat.state == 'R');
	assert_int_equal(stat.state, 'S');
	/* A signal that arrives with the stop is delivered all the same. */
	kill(pid, SIGTERM);
	if (spy_pause_begin(pid, pid, &stop, NULL) == 0)
		spy_pause_end(&stop);
	spy_pause_finish(&stop);
	assert_int_equal(waitpid(pid, &i, 0), pid);
	assert_true(WIFSIGNALED(i) && WTERMSIG(i) == SIGTERM);
	assert_int_equal(spy_pause_begin(pid, pid, &stop, NULL), -PYSPYC_ENOPROC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_are_parsed),
		cmocka_unit_test(test_maps_that_make_no_sense),
		cmocka_unit_test(test_stat_with_a_hostile_name),
		cmocka_unit_test(test_image_memory),
		cmocka_unit_test(test_live_memory_names_the_bad_address),
		cmocka_unit_test(test_live_memory_keeps_ranges_apart),
		cmocka_unit_test(test_live_memory_reads_many_ranges),
		cmocka_unit_test(test_process_knows_itself_and_its_end),
		cmocka_unit_test(test_pid_lives_as_long_as_a_thread),
		cmocka_unit_test(test_pause_stops_and_lets_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
