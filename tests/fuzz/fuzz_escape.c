/* Whatever text comes in, what the formats write of it is harmless. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sink/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Valid UTF-8 without controls, and without any of the characters in bad. */
static void check(struct spy_buffer *buffer, const char *bad)
{
	const char *at = spy_buffer_text(buffer);
	uint32_t code;

	require(!buffer->failed && strlen(at) == buffer->size);
	while ((code = spy_utf8_next(&at))) {
		require(code < SPY_UTF8_BAD && code >= 0x20);
		require(code >= 0x80 || !strchr(bad, (int)code));
	}
	spy_buffer_clear(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spy_buffer buffer = { 0 };
	char *text = malloc(size + 1);
	size_t most = size ? 3 + data[0] % 40 : 3;

	require(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	spy_escape_visible(&buffer, text, SIZE_MAX);
	check(&buffer, "\x7f");
	spy_escape_visible(&buffer, text, most);
	check(&buffer, "\x7f");
	spy_escape_xml(&buffer, text);
	check(&buffer, "<>\"'");
	spy_escape_json(&buffer, text);
	require(buffer.size >= 2 && buffer.data[0] == '"' && buffer.data[buffer.size - 1] == '"');
	buffer.data[--buffer.size] = '\0';
	memmove(buffer.data, buffer.data + 1, buffer.size);
	buffer.size--;
	check(&buffer, "<>&\"'\x7f");
	spy_escape_folded(&buffer, text);
	check(&buffer, ";\x7f");
	spy_text_fit(&buffer, text, most);
	require(spy_text_columns(spy_buffer_text(&buffer)) <= most);
	spy_buffer_free(&buffer);
	free(text);
	return 0;
}
