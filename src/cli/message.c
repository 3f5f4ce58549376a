#include "cli/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The length of the UTF-8 sequence at text and its value; 0 when it is none (RFC 3629). */
static size_t decode(const unsigned char *text, uint32_t *value)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = text[0] < 0x80	       ? 1
		      : (text[0] >> 5) == 0x06 ? 2
		      : (text[0] >> 4) == 0x0e ? 3
		      : (text[0] >> 3) == 0x1e ? 4
					       : 0;

	if (size <= 1) {
		*value = text[0];
		return size;
	}
	*value = text[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*value = *value << 6 | (text[i] & 0x3f);
	}
	if (*value < least[size] || *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
		return 0;
	return size;
}

static bool acts(uint32_t value)
{
	return value < 0x20 || (value >= 0x7f && value < 0xa0) || value == 0x061c ||
	       value == 0x200e || value == 0x200f || (value >= 0x2028 && value <= 0x202e) ||
	       (value >= 0x2066 && value <= 0x2069) || value == 0xfeff;
}

void cli_put_safe(FILE *file, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		uint32_t value = 0;
		size_t size = decode(at, &value);

		if (!size) {
			fprintf(file, "\\x%02x", *at);
			size = 1;
		} else if (!acts(value)) {
			fwrite(at, 1, size, file);
		} else if (value == '\n' || value == '\t' || value == '\r') {
			fprintf(file, "\\%c", value == '\n' ? 'n' : value == '\t' ? 't' : 'r');
		} else {
			fprintf(file, value < 0x100 ? "\\x%02x" : "\\u%04x", value);
		}
		at += size;
	}
}

/* In one write, so that lines of several processes do not mix. */
static void say(const char *tail, const char *format, va_list args)
{
	char *text = NULL;
	char *line = NULL;
	size_t size;
	FILE *memory;

	if (vasprintf(&text, format, args) < 0)
		return;
	memory = open_memstream(&line, &size);
	if (memory) {
		fputs("pyspyc: ", memory);
		cli_put_safe(memory, text);
		fprintf(memory, "%s\n", tail);
		fclose(memory);
		fwrite(line, 1, size, stderr);
		fflush(stderr);
	}
	free(line);
	free(text);
}

int cli_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
	return CLI_FAILED;
}

void cli_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
}

int cli_usage(const char *command, const char *format, ...)
{
	char tail[64];
	va_list args;

	snprintf(tail, sizeof(tail), " (see pyspyc %s%s--help)", command ? command : "",
		 command ? " " : "");
	va_start(args, format);
	say(tail, format, args);
	va_end(args);
	return CLI_USAGE;
}

void cli_out_open(struct cli_out *out)
{
	*out = (struct cli_out){ 0 };
	out->file = open_memstream(&out->text, &out->size);
	if (!out->file)
		out->errnum = ENOMEM;
}

/* Ends the memory's stream and writes it. */
static void write_out(struct cli_out *out)
{
	size_t at = 0;

	if (out->file && fclose(out->file) != 0 && !out->errnum)
		out->errnum = ENOMEM;
	out->file = NULL;
	while (!out->errnum && at < out->size) {
		ssize_t size = write(STDOUT_FILENO, out->text + at, out->size - at);

		if (size >= 0)
			at += (size_t)size;
		else if (errno != EINTR)
			out->errnum = errno;
	}
	free(out->text);
	out->text = NULL;
	out->size = 0;
}

void cli_out_flush(struct cli_out *out)
{
	int errnum;

	write_out(out);
	errnum = out->errnum;
	cli_out_open(out);
	out->errnum = errnum ? errnum : out->errnum;
}

int cli_out_close(struct cli_out *out, int status)
{
	write_out(out);
	if (!out->errnum)
		return status;
	if (out->errnum == EPIPE)
		return CLI_FAILED;
	return cli_error("cannot write to standard output: %s", strerror(out->errnum));
}

bool cli_wants_colour(FILE *file)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(file)) && !(no_color && *no_color) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

int cli_width(FILE *file, int fallback)
{
	struct winsize size;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		return fallback;
	return size.ws_col;
}
