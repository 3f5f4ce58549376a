#include "cpython/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct spy_version spy_version_from_hex(uint32_t hex)
{
	struct spy_version version = {
		.major = (uint8_t)(hex >> 24),
		.minor = (uint8_t)(hex >> 16),
		.micro = (uint8_t)(hex >> 8),
		.serial = hex & 0xf,
	};

	switch (hex >> 4 & 0xf) {
	case 0xa:
		version.level = 'a';
		break;
	case 0xb:
		version.level = 'b';
		break;
	case 0xc:
		version.level = 'c';
		break;
	case 0xf:
		version.level = 'f';
		break;
	default:
		version.level = '?';
	}
	return version;
}

/* One to three digits without a leading zero, at most limit; false when there are none. */
static bool take_number(const char **text, const char *end, unsigned limit, uint8_t *ret)
{
	const char *at = *text;
	unsigned number = 0;

	while (at < end && at - *text < 3 && *at >= '0' && *at <= '9')
		number = number * 10 + (unsigned)(*at++ - '0');
	if (at == *text || number > limit || (**text == '0' && at - *text > 1))
		return false;
	*text = at;
	*ret = (uint8_t)number;
	return true;
}

static bool take_text(const char **text, const char *end, const char *expected)
{
	size_t size = strlen(expected);

	if ((size_t)(end - *text) < size || memcmp(*text, expected, size) != 0)
		return false;
	*text += size;
	return true;
}

bool spy_version_parse(const char *text, size_t size, struct spy_version *ret)
{
	const char *end = text + size;
	struct spy_version version = { .level = 'f' };

	if (!take_number(&text, end, UINT8_MAX, &version.major) || !take_text(&text, end, ".") ||
	    !take_number(&text, end, UINT8_MAX, &version.minor) || !take_text(&text, end, ".") ||
	    !take_number(&text, end, UINT8_MAX, &version.micro))
		return false;
	if (take_text(&text, end, "a"))
		version.level = 'a';
	else if (take_text(&text, end, "b"))
		version.level = 'b';
	else if (take_text(&text, end, "rc") || take_text(&text, end, "c"))
		version.level = 'c';
	/* PY_VERSION_HEX has four bits for the serial. */
	if (version.level != 'f' && !take_number(&text, end, 15, &version.serial))
		return false;
	/* A checkout between two releases. */
	take_text(&text, end, "+");
	if (text != end)
		return false;
	*ret = version;
	return true;
}

const char *spy_version_format(const struct spy_version *version, char *buffer, size_t size)
{
	char level[16] = "";

	if (version->level != 'f')
		snprintf(level, sizeof(level), "%s%" PRIu8,
			 version->level == 'c' ? "rc" : (char[]){ version->level, '\0' },
			 version->serial);
	snprintf(buffer, size, "%" PRIu8 ".%" PRIu8 ".%" PRIu8 "%s%s%s", version->major,
		 version->minor, version->micro, level, version->free_threaded ? "t" : "",
		 version->debug ? "d" : "");
	return buffer;
}
