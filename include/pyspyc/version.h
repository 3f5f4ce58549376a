/* pyspyc: its own version. */
#ifndef PYSPYC_VERSION_H
#define PYSPYC_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/* Such as "0.1.0". */
const char *pyspyc_version(void);

#ifdef __cplusplus
}
#endif

#endif
