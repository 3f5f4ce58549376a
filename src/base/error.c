#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void fill(struct pyspyc_error *err, enum pyspyc_code code, uint64_t address,
		 const char *format, va_list args)
{
	if (!err)
		return;
	err->code = code;
	err->address = address;
	vsnprintf(err->message, sizeof(err->message), format, args);
}

int spy_fail(struct pyspyc_error *err, enum pyspyc_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, 0, format, args);
	va_end(args);
	return -(int)code;
}

int spy_fault(struct pyspyc_error *err, uint64_t address, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, PYSPYC_EFAULT, address, format, args);
	va_end(args);
	return -(int)PYSPYC_EFAULT;
}

int spy_fail_errno(struct pyspyc_error *err, enum pyspyc_code code, int errnum,
		   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, 0, format, args);
	va_end(args);
	if (err) {
		size_t used = strlen(err->message);

		snprintf(err->message + used, sizeof(err->message) - used, ": %s",
			 strerror(errnum));
	}
	return -(int)code;
}

int spy_error_prefix(struct pyspyc_error *err, const char *format, ...)
{
	char old[sizeof(err->message)];
	va_list args;
	size_t used;

	if (!err)
		return -(int)PYSPYC_ESYS;
	memcpy(old, err->message, sizeof(old));
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %.*s",
		 (int)(sizeof(old) - used), old);
	return -(int)err->code;
}

int spy_nomem(struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ENOMEM, "out of memory");
}
