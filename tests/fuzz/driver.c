/*
 * A main() for fuzzers where clang's libFuzzer is absent. Replays every file it is given, then
 * mutates them at random for a while. Understands those of libFuzzer's options that ./dev uses:
 *
 *   -runs=0              replay only (the default without -max_total_time)
 *   -max_total_time=N    mutate for N seconds
 *   -seed=N              the random numbers' start (printed, so that a run can be repeated)
 *   -max_len=N           longest input made, in bytes
 *   -artifact_prefix=P   where an input that crashed is written: P + "crash-" + its number
 *
 * Any other argument is a file, or a folder whose files are taken.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEED_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *inputs;
	size_t count;
};

/* What runs now: the handlers of a crash have no other way to it. */
static struct input running;
static unsigned long runs;
static const char *artifact_prefix = "./";

static uint64_t random_state;

static uint64_t random_next(void)
{
	/* xorshift64*: quick, and the same everywhere for a seed. */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static size_t random_below(size_t limit)
{
	return limit ? (size_t)(random_next() % limit) : 0;
}

static void save_running(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%scrash-%lu", artifact_prefix, runs);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (running.data && write(fd, running.data, running.size) == (ssize_t)running.size)
		dprintf(STDERR_FILENO, "driver: the input is in %s\n", path);
	close(fd);
}

static void crashed(int signum)
{
	save_running();
	signal(signum, SIG_DFL);
	raise(signum);
}

static void run_one(const uint8_t *data, size_t size)
{
	/* An exact copy on the heap, so that the sanitizer sees a read past its end. */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	running = (struct input){copy, size};
	runs++;
	LLVMFuzzerTestOneInput(copy, size);
	running = (struct input){NULL, 0};
	free(copy);
}

static int corpus_add_file(struct corpus *corpus, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(SEED_MAX);
	struct input *grown = realloc(corpus->inputs, (corpus->count + 1) * sizeof(*grown));

	if (grown)
		corpus->inputs = grown;
	if (!file || !data || !grown) {
		fprintf(stderr, "driver: cannot read %s\n", path);
		if (file)
			fclose(file);
		free(data);
		return -1;
	}
	size_t size = fread(data, 1, SEED_MAX, file);

	fclose(file);
	corpus->inputs[corpus->count++] = (struct input){data, size};
	return 0;
}

static int corpus_add(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	struct stat status;

	if (stat(path, &status) != 0) {
		fprintf(stderr, "driver: no file %s\n", path);
		return -1;
	}
	if (!S_ISDIR(status.st_mode))
		return corpus_add_file(corpus, path);

	/* Sorted, so that a seed gives the same run on every file system. */
	int count = scandir(path, &entries, NULL, alphasort);
	int result = count < 0 ? -1 : 0;

	for (int i = 0; i < count; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && corpus_add_file(corpus, name) != 0)
			result = -1;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return result;
}

static size_t mutate_once(uint8_t *data, size_t size, size_t limit, const struct corpus *corpus)
{
	static const uint64_t corners[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
					   0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX,
					   UINT64_C(1) << 63, UINT64_MAX};
	size_t at = random_below(size);

	switch (random_below(7)) {
	case 0: /* one bit */
		if (size)
			data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1: /* one byte */
		if (size)
			data[at] = (uint8_t)random_next();
		break;
	case 2: { /* a number at the edge of its type */
		size_t width = (size_t)1 << random_below(4);
		uint64_t value = corners[random_below(sizeof(corners) / sizeof(*corners))];

		if (size >= width)
			memcpy(data + random_below(size - width + 1), &value, width);
		break;
	}
	case 3: /* cut the end off */
		size = at;
		break;
	case 4: { /* take bytes out */
		size_t length = random_below(size - at + 1);

		memmove(data + at, data + at + length, size - at - length);
		size -= length;
		break;
	}
	case 5: { /* put random bytes in */
		size_t length = random_below(16) + 1;

		if (size + length > limit)
			break;
		memmove(data + at + length, data + at, size - at);
		for (size_t i = 0; i < length; i++)
			data[at + i] = (uint8_t)random_next();
		size += length;
		break;
	}
	default: { /* a piece of another input */
		if (!corpus->count)
			break;
		const struct input *other = &corpus->inputs[random_below(corpus->count)];
		size_t from = random_below(other->size);
		size_t length = random_below(other->size - from + 1);

		if (length > limit - at)
			length = limit - at;
		memcpy(data + at, other->data + from, length);
		if (at + length > size)
			size = at + length;
	}
	}
	return size;
}

static void mutate_for(const struct corpus *corpus, unsigned int seconds, size_t limit)
{
	struct timespec start;
	struct timespec now;
	uint8_t *data = malloc(limit);

	if (!data)
		abort();
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		size_t size = 0;

		if (corpus->count) {
			const struct input *seed = &corpus->inputs[random_below(corpus->count)];

			size = seed->size < limit ? seed->size : limit;
			memcpy(data, seed->data, size);
		}
		for (size_t rounds = random_below(8) + 1; rounds; rounds--)
			size = mutate_once(data, size, limit, corpus);
		run_one(data, size);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < (time_t)seconds);
	free(data);
}

static bool option(const char *argument, const char *name, unsigned long *value)
{
	size_t length = strlen(name);

	if (strncmp(argument, name, length) != 0)
		return false;
	*value = strtoul(argument + length, NULL, 10);
	return true;
}

int main(int argc, char **argv)
{
	struct corpus corpus = {0};
	unsigned long seconds = 0;
	unsigned long seed = (unsigned long)time(NULL);
	unsigned long limit = 4096;
	unsigned long ignored;
	int result = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-artifact_prefix=", 17) == 0)
			artifact_prefix = argv[i] + 17;
		else if (!option(argv[i], "-max_total_time=", &seconds) &&
			 !option(argv[i], "-seed=", &seed) &&
			 !option(argv[i], "-max_len=", &limit) &&
			 !option(argv[i], "-runs=", &ignored) && argv[i][0] != '-' &&
			 corpus_add(&corpus, argv[i]) != 0)
			result = 1;
	}
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(save_running);
	signal(SIGABRT, crashed);
	if (!__sanitizer_set_death_callback)
		signal(SIGSEGV, crashed);

	run_one(NULL, 0);
	for (size_t i = 0; i < corpus.count; i++)
		run_one(corpus.inputs[i].data, corpus.inputs[i].size);
	if (seconds) {
		printf("driver: seed %lu, %lu s\n", seed, seconds);
		fflush(stdout);
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
		mutate_for(&corpus, (unsigned int)seconds, limit ? limit : 1);
	}
	printf("driver: %lu runs\n", runs);
	for (size_t i = 0; i < corpus.count; i++)
		free(corpus.inputs[i].data);
	free(corpus.inputs);
	return result;
}
