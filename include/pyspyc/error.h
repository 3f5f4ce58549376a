/* pyspyc: errors as every public function returns them. */
#ifndef PYSPYC_ERROR_H
#define PYSPYC_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What kind of thing went wrong. Functions return 0 or the negated code. */
enum pyspyc_code {
	PYSPYC_OK = 0,
	PYSPYC_ENOMEM,	   /* pyspyc itself is out of memory */
	PYSPYC_ESYS,	   /* a system call failed in a way that is no one's fault below */
	PYSPYC_EINVAL,	   /* the caller's arguments make no sense */
	PYSPYC_ENOPROC,	   /* no such process, or it has exited */
	PYSPYC_EPERM,	   /* not permitted to read the process */
	PYSPYC_EFAULT,	   /* an address of the target is not readable */
	PYSPYC_ENOTPYTHON, /* the process is not a Python process */
	PYSPYC_ENOTREADY,  /* a Python process whose interpreter is not up yet */
	PYSPYC_EIMPL,	   /* a Python that is not CPython */
	PYSPYC_EVERSION,   /* a CPython whose version or build is not known */
	PYSPYC_ECORRUPT,   /* the target's memory or file makes no sense */
	PYSPYC_EAGAIN,	   /* the target changed meanwhile: try again */
	PYSPYC_EIO,	   /* an output could not be written */
};

/* An error in full. Functions that take one accept NULL. */
struct pyspyc_error {
	enum pyspyc_code code;
	uint64_t address;   /* the target's address for PYSPYC_EFAULT, else 0 */
	char message[1024]; /* one line, without a full stop, that says what to do */
};

#ifdef __cplusplus
}
#endif

#endif
