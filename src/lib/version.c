#include "pyspyc/version.h"

#include "base/export.h"

PYSPYC_EXPORT const char *pyspyc_version(void)
{
	return PYSPYC_VERSION;
}
