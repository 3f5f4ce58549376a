/* Which OS thread a thread state is of, and what it is called. */
#ifndef SPY_SAMPLE_IDENTITY_H
#define SPY_SAMPLE_IDENTITY_H

#include "sample/sampler.h"

/* Finds the TIDs that are not known yet, and opens what /proc tells of these threads. */
void spy_identity_tids(struct spy_sampler *sampler);

/*
 * Finds the names that are not known yet. A thread enters threading's table some time after its
 * state: those without a name are asked again.
 */
void spy_identity_names(struct spy_sampler *sampler);

/* Whether each thread state is of an OS thread of its own, as far as memory allows to tell. */
bool spy_identity_apart(const struct spy_sampler *sampler);

#endif
