/* Tables and trees of a recording as it goes on. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/recorder_parts.h"
#include "profile/live.h"

/* The profile, if it keeps what is asked for. */
static const struct pyspyc_profile *profile_of(const struct pyspyc_recorder *recorder)
{
	const struct pyspyc_profile *profile = recorder->booking.profile;

	return profile->value_count == SPY_LIVE_COLUMNS ? profile : NULL;
}

static int not_live(struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_EINVAL,
			"the recorder keeps no live figures: make it with options.live");
}

PYSPYC_EXPORT int pyspyc_live_table(struct pyspyc_recorder *recorder, enum pyspyc_table_kind kind,
				    const struct pyspyc_query *query, struct pyspyc_table *ret,
				    struct pyspyc_error *err)
{
	const struct pyspyc_profile *profile = profile_of(recorder);

	*ret = (struct pyspyc_table){ 0 };
	if (!profile)
		return not_live(err);
	return spy_live_table(profile, kind, query, recorder->window_ns, ret, err);
}

PYSPYC_EXPORT void pyspyc_table_free(struct pyspyc_table *table)
{
	free(table->rows);
	*table = (struct pyspyc_table){ 0 };
}

PYSPYC_EXPORT int pyspyc_live_tree(struct pyspyc_recorder *recorder,
				   const struct pyspyc_query *query, bool since_start,
				   struct pyspyc_tree *ret, struct pyspyc_error *err)
{
	const struct pyspyc_profile *profile = profile_of(recorder);

	*ret = (struct pyspyc_tree){ 0 };
	if (!profile)
		return not_live(err);
	return spy_live_tree(profile, query, since_start, recorder->window_ns, ret, err);
}

PYSPYC_EXPORT void pyspyc_tree_free(struct pyspyc_tree *tree)
{
	free(tree->branches);
	*tree = (struct pyspyc_tree){ 0 };
}

static const char *scope_text(enum pyspyc_scope scope)
{
	switch (scope) {
	case PYSPYC_SCOPE_ALL:
		return "all threads";
	case PYSPYC_SCOPE_GIL:
		return "threads with the GIL";
	case PYSPYC_SCOPE_ACTIVE:
		break;
	}
	return "active threads";
}

/* The profile's line of truth. */
static char *summary_of(const struct pyspyc_profile *profile, const struct pyspyc_query *query)
{
	struct spy_buffer line = { 0 };

	spy_buffer_printf(&line, "%llu samples in %.1f s, %s", (unsigned long long)profile->samples,
			  (double)profile->duration_ns / 1e9, scope_text(query->scope));
	if (query->pid)
		spy_buffer_printf(&line, " of process %d", (int)query->pid);
	if (query->tid)
		spy_buffer_printf(&line, ", thread %d", (int)query->tid);
	if (query->own_only)
		spy_buffer_puts(&line, ", without library code");
	if (profile->folded)
		spy_buffer_printf(&line, ", %llu folded", (unsigned long long)profile->folded);
	return spy_buffer_steal(&line);
}

static int add_growth(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		      struct pyspyc_profile *made, struct pyspyc_error *err)
{
	int ret = spy_live_bytes(profile, query, false, &made->grown, err);

	if (!ret)
		ret = spy_live_bytes(profile, query, true, &made->released, err);
	if (ret)
		return ret;
	made->grown->duration_ns = made->released->duration_ns = made->duration_ns;
	made->grown->summary = strdup(made->summary);
	made->released->summary = strdup(made->summary);
	return made->grown->summary && made->released->summary ? 0 : spy_nomem(err);
}

PYSPYC_EXPORT int pyspyc_live_profile(struct pyspyc_recorder *recorder,
				      const struct pyspyc_query *query, struct pyspyc_profile **ret,
				      struct pyspyc_error *err)
{
	const struct pyspyc_profile *profile = profile_of(recorder);
	uint64_t elapsed_ns = pyspyc_recorder_stats(recorder)->elapsed_ns;
	struct pyspyc_profile *made;
	int result;

	if (!profile)
		return not_live(err);
	result = spy_live_profile(profile, query, profile->period_ns, &made, err);
	if (result < 0)
		return result;
	made->duration_ns = elapsed_ns - recorder->reset_ns;
	made->summary = summary_of(made, query);
	result = made->summary ? 0 : spy_nomem(err);
	if (!result && query->growth)
		result = add_growth(profile, query, made, err);
	if (result < 0) {
		spy_profile_free(made);
		return result;
	}
	*ret = made;
	return 0;
}

PYSPYC_EXPORT void pyspyc_profile_free(struct pyspyc_profile *profile)
{
	spy_profile_free(profile);
}

PYSPYC_EXPORT void pyspyc_live_reset(struct pyspyc_recorder *recorder)
{
	if (!profile_of(recorder))
		return;
	recorder->reset_ns = pyspyc_recorder_stats(recorder)->elapsed_ns;
	spy_live_reset(recorder->booking.profile);
	spy_live_reset_gauges(recorder);
}
