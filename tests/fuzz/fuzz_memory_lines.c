/* Whatever a source file holds, the table of its lines is text without controls, and bounded. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/live.h"
#include "sink/escape.h"
#include "sink/memory.h"

#define MEGABYTE (1u << 20)
#define MOST_LINE 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const uint8_t *data;
	size_t size;
};

static void require(int condition)
{
	if (!condition)
		abort();
}

/* An exact place on the heap, so that the sanitizer sees a read past its end. */
static bool read_source(void *context, const char *path, char **text, size_t *size)
{
	const struct source *source = context;

	(void)path;
	*text = malloc(source->size + !source->size);
	require(*text != NULL);
	if (source->size)
		memcpy(*text, source->data, source->size);
	*size = source->size;
	return true;
}

/* A profile whose lines come from the input's first bytes. */
static struct pyspyc_profile *make_profile(const uint8_t *data, size_t size)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t node = 0;
	size_t i;

	require(profile && spy_live_begin(profile));
	for (i = 0; i < 16 && i < size; i++) {
		struct spy_frame frame = {
			.name = spy_profile_string(profile, "f"),
			.file = spy_profile_string(profile, "/a.py"),
			.path = spy_profile_string(profile, "/a.py"),
			.line = data[i] % 40 - 1,
			.first_line = data[i] / 40,
			.kind = SPY_FRAME_PYTHON,
			.origin = SPY_ORIGIN_OWN,
		};

		node = spy_profile_child(profile, data[i] % 3 ? node : 0,
					 spy_profile_frame(profile, &frame));
		require(node != UINT32_MAX);
		spy_live_add(profile, node, SPY_LIVE_GROWN, MEGABYTE);
		spy_live_usage(profile, node, MEGABYTE);
	}
	return profile;
}

static void check(const char *text, size_t size)
{
	size_t length = 0, i;

	require(strlen(text) == size);
	for (i = 0; i < size; i++) {
		length = text[i] == '\n' ? 0 : length + 1;
		require((unsigned char)text[i] >= 0x20 || text[i] == '\n');
		require(length < MOST_LINE);
	}
	while (*text)
		require(spy_utf8_next(&text) < SPY_UTF8_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source source = { data, size };
	struct pyspyc_profile *profile = make_profile(data, size);
	struct spy_memory_recording memory = {
		.profile = profile,
		.sources = { .read = read_source, .context = &source },
	};
	int whole;

	for (whole = 0; whole < 2; whole++) {
		char *text = NULL;
		size_t length;
		FILE *file = open_memstream(&text, &length);

		memory.all_lines = whole;
		require(file && spy_memory_sink_lines.write(&memory, file, NULL) == 0);
		fclose(file);
		check(text, length);
		free(text);
	}
	spy_profile_free(profile);
	return 0;
}
