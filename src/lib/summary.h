/* A recording in one line. */
#ifndef SPY_LIB_SUMMARY_H
#define SPY_LIB_SUMMARY_H

#include "pyspyc/recorder.h"

/* What was reached and what was not, for people; the caller frees it. NULL without memory. */
char *spy_summary(const struct pyspyc_recorder_stats *stats);

#endif
