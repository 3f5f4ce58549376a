/* The parts of a sampler that its two files share. */
#ifndef SPY_SAMPLE_SAMPLER_LOOK_H
#define SPY_SAMPLE_SAMPLER_LOOK_H

#include "sample/sampler.h"

/*
 * The list of threads, their names, and what the OS says of each; errors as of spy_sampler_pass.
 * Where nothing has run since the last look nothing is read, but names that are still missing.
 */
int spy_sampler_look(struct spy_sampler *sampler, const struct spy_pass *pass,
		     struct pyspyc_error *err);

/* Room for a job for each thread; false without memory. */
bool spy_sampler_jobs_room(struct spy_sampler *sampler);

void spy_sampler_free_thread(struct spy_thread *thread);

#endif
