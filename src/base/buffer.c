#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void spy_buffer_free(struct spy_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct spy_buffer){ 0 };
}

void spy_buffer_clear(struct spy_buffer *buffer)
{
	buffer->size = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

bool spy_buffer_reserve(struct spy_buffer *buffer, size_t size)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 64;
	char *data;

	if (buffer->failed || size > SIZE_MAX / 4 - buffer->size) {
		buffer->failed = true;
		return false;
	}
	if (buffer->size + size + 1 <= buffer->capacity)
		return true;
	while (capacity < buffer->size + size + 1)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	if (!buffer->data)
		data[0] = '\0';
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void spy_buffer_append(struct spy_buffer *buffer, const void *bytes, size_t size)
{
	if (!spy_buffer_reserve(buffer, size))
		return;
	if (size)
		memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void spy_buffer_puts(struct spy_buffer *buffer, const char *text)
{
	spy_buffer_append(buffer, text, strlen(text));
}

void spy_buffer_putc(struct spy_buffer *buffer, char byte)
{
	spy_buffer_append(buffer, &byte, 1);
}

void spy_buffer_printf(struct spy_buffer *buffer, const char *format, ...)
{
	va_list args, again;
	int size;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, args);
	if (size >= 0 && spy_buffer_reserve(buffer, (size_t)size)) {
		vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
		buffer->size += (size_t)size;
	}
	va_end(again);
	va_end(args);
}

const char *spy_buffer_text(const struct spy_buffer *buffer)
{
	return buffer->data ? buffer->data : "";
}

char *spy_buffer_steal(struct spy_buffer *buffer)
{
	char *data;

	spy_buffer_append(buffer, "", 0);
	data = buffer->failed ? NULL : buffer->data;
	if (!data)
		free(buffer->data);
	*buffer = (struct spy_buffer){ 0 };
	return data;
}
