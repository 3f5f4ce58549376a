/* What record records: a profile. */
#include "cli/progress.h"
#include "cli/recording.h"
#include "pyspyc/live.h"

/* Time and growth of memory, of a recorder with options.memory. */
static int write_both(const struct cli_recording *wanted, struct pyspyc_recorder *recorder,
		      FILE *file, struct pyspyc_error *err)
{
	const struct pyspyc_recorder_options *options = &wanted->order.options;
	const struct pyspyc_query query = {
		.scope = options->mode == PYSPYC_MODE_WALL  ? PYSPYC_SCOPE_ALL
			 : options->mode == PYSPYC_MODE_GIL ? PYSPYC_SCOPE_GIL
							    : PYSPYC_SCOPE_ACTIVE,
		.by_thread = options->thread_roots,
		.by_process = options->subprocesses || wanted->order.pid_count > 1,
		.growth = true,
	};
	struct pyspyc_profile *profile;
	int ret = pyspyc_live_profile(recorder, &query, &profile, err);

	if (ret)
		return ret;
	ret = pyspyc_profile_write(profile, wanted->format, file, err);
	pyspyc_profile_free(profile);
	return ret;
}

static int write_profile(const struct cli_recording *wanted, struct pyspyc_recorder *recorder,
			 FILE *file, struct pyspyc_error *err)
{
	if (wanted->order.options.memory)
		return write_both(wanted, recorder, file, err);
	return pyspyc_profile_write(pyspyc_recorder_profile(recorder), wanted->format, file, err);
}

/* What to look at when nothing was recorded. */
static const char *empty(const struct cli_recording *wanted, struct pyspyc_recorder *recorder)
{
	const struct pyspyc_recorder_options *options = &wanted->order.options;
	const struct pyspyc_recorder_stats *stats = pyspyc_recorder_stats(recorder);

	if (pyspyc_profile_samples(pyspyc_recorder_profile(recorder)))
		return NULL;
	if (stats->unreadable + stats->dropped > 0)
		return "; no stack could be read";
	if (!stats->passes)
		return "; it is empty: it ended before the first sample";
	if (options->threads || options->include || options->exclude)
		return "; it is empty: nothing that ran passed --thread, --include and --exclude";
	if (options->mode == PYSPYC_MODE_GIL)
		return "; it is empty: no thread was seen to hold the GIL";
	return options->mode == PYSPYC_MODE_WALL
		       ? "; it is empty"
		       : "; it is empty: all threads were idle (see --idle)";
}

static void tell(const struct cli_recording *wanted, struct pyspyc_recorder *recorder)
{
	cli_progress_summary(pyspyc_recorder_stats(recorder), wanted->order.options.rate);
}

const struct cli_recorded cli_recorded_profile = {
	.noun = "the profile",
	.write = write_profile,
	.empty = empty,
	.tell = tell,
};
