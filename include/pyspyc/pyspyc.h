/* pyspyc: a profiler for Python processes, as a library. Includes every public header. */
#ifndef PYSPYC_PYSPYC_H
#define PYSPYC_PYSPYC_H

#include "pyspyc/error.h"
#include "pyspyc/gc.h"
#include "pyspyc/live.h"
#include "pyspyc/maps.h"
#include "pyspyc/memory.h"
#include "pyspyc/process.h"
#include "pyspyc/processes.h"
#include "pyspyc/profile.h"
#include "pyspyc/recorder.h"
#include "pyspyc/snapshot.h"
#include "pyspyc/tracemalloc.h"
#include "pyspyc/version.h"

#endif
