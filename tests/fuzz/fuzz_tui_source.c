/* Whatever a source file holds, its lines are Python's, and no longer than what can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/source_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Lines as the source has them: each end counts, and so does what follows the last one. */
static size_t count_lines(const char *bytes, size_t size)
{
	size_t count = 0, begin = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;

	for (size_t i = begin; i < size; i++) {
		if (bytes[i] != '\n' && bytes[i] != '\r')
			continue;
		if (bytes[i] == '\r' && i + 1 < size && bytes[i + 1] == '\n')
			i++;
		count++;
		begin = i + 1;
	}
	return count + (begin < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact place on the heap, so that the sanitizer sees a read past its end. */
	char *bytes = calloc(1, size + !size);
	struct tui_source_text text = { 0 };
	enum tui_source_kind kind;

	require(bytes != NULL);
	if (size)
		memcpy(bytes, data, size);
	kind = tui_source_text_parse(&text, bytes, size);
	require((kind == TUI_SOURCE_BINARY) == (size && memchr(bytes, 0, size)));
	if (kind == TUI_SOURCE_TEXT) {
		require(text.count == count_lines(bytes, size));
		for (size_t i = 0; i < text.count; i++)
			require(!strpbrk(tui_source_text_line(&text, i), "\t\r\n") &&
				strlen(tui_source_text_line(&text, i)) <= TUI_SOURCE_LINE + 8);
		for (int line = 0; line <= (int)text.count + 1; line++)
			tui_source_text_has(&text, "f", line);
	}
	tui_source_text_free(&text);
	free(bytes);
	return 0;
}
