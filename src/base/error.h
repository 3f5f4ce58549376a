/* Filling in a struct pyspyc_error and returning its code in one expression. */
#ifndef SPY_BASE_ERROR_H
#define SPY_BASE_ERROR_H

#include <stdarg.h>

#include "pyspyc/error.h"

/*
 * Fills err (may be NULL) with code and a formatted message and returns -code, so that
 * callers write `return spy_fail(err, PYSPYC_EIO, "...")`.
 */
int spy_fail(struct pyspyc_error *err, enum pyspyc_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As spy_fail with PYSPYC_EFAULT and the address that could not be read. */
int spy_fault(struct pyspyc_error *err, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As spy_fail, with `: strerror(errnum)` after the message. */
int spy_fail_errno(struct pyspyc_error *err, enum pyspyc_code code, int errnum,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the message that err already holds; returns -err->code. */
int spy_error_prefix(struct pyspyc_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The error for an allocation that failed. */
int spy_nomem(struct pyspyc_error *err);

#endif
