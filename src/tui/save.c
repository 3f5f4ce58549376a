/* What is seen, as a file in the current directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pyspyc/memory.h"
#include "pyspyc/profile.h"
#include "tui/app.h"

#define TRIES 100

static void fail(struct tui_app *app, const char *name, int errnum)
{
	char why[128];

	tui_app_say(app, TUI_BAD, "Cannot write %s: %s", name,
		    strerror_r(errnum, why, sizeof(why)));
}

/* A file of a name that nothing has yet. */
static int create(const struct tui_app *app, const char *extension, char *name, size_t size)
{
	time_t now = time(NULL);
	struct tm local;
	char clock[32];
	int fd = -1;

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%Y%m%d-%H%M%S", &local);
	for (int i = 0; i < TRIES; i++) {
		char number[16] = "";

		if (i)
			snprintf(number, sizeof(number), "-%d", i + 1);
		snprintf(name, size, "%s-%s%s%s", app->options->file_stem, clock, number,
			 extension);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

/* Under sudo the file is the caller's, as with record. */
static void give_to_caller(int fd)
{
	uid_t uid;
	gid_t gid;

	if (pyspyc_caller(&uid, &gid))
		(void)!fchown(fd, uid, gid);
}

static const struct pyspyc_format *format_of(const struct tui_saving *saving)
{
	return saving->memory ? pyspyc_memory_format_by_name(saving->format)
			      : pyspyc_format_by_name(saving->format);
}

/* Memory over time, or else the profile. */
static int put(struct tui_app *app, const struct tui_saving *saving,
	       const struct pyspyc_profile *profile, FILE *file, struct pyspyc_error *err)
{
	const struct pyspyc_memory_output output = { .threads = app->query.by_thread };

	if (saving->memory)
		return pyspyc_memory_write(app->recorder, format_of(saving), &output, file, err);
	return pyspyc_profile_write(profile, format_of(saving), file, err);
}

static void write_file(struct tui_app *app, const struct tui_saving *saving,
		       const struct pyspyc_profile *profile)
{
	struct pyspyc_error err = { 0 };
	char figure[32];
	char name[256];
	struct stat info = { 0 };
	int fd = create(app, format_of(saving)->extensions[0], name, sizeof(name));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int wrong;

	if (!file) {
		fail(app, name, errno);
		if (fd >= 0) {
			close(fd);
			unlink(name);
		}
		return;
	}
	give_to_caller(fd);
	wrong = put(app, saving, profile, file, &err);
	if (!wrong && (fflush(file) != 0 || fstat(fd, &info) != 0)) {
		fail(app, name, errno);
		wrong = -1;
	} else if (wrong) {
		tui_app_say(app, TUI_BAD, "Cannot write %s: %s", name, err.message);
	}
	if (fclose(file) != 0 && !wrong) {
		fail(app, name, errno);
		wrong = -1;
	}
	if (wrong)
		unlink(name);
	else
		tui_app_say(app, TUI_GOOD, "Wrote %s (%s)", name,
			    tui_bytes((double)info.st_size, figure, sizeof(figure)));
}

const struct tui_saving *tui_app_savings(const struct tui_app *app)
{
	static const struct tui_saving of_time[] = {
		{ 'f', "flame graph", "graph", "flamegraph", false },
		{ 'o', "folded stacks", "folded", "folded", false },
		{ 0 },
	};
	const struct tui_view *view = tui_views[app->view];

	return view->savings ? view->savings : of_time;
}

/* Whether there is something to save, and if not says why. */
static bool take_profile(struct tui_app *app, const struct tui_saving *saving,
			 struct pyspyc_profile **ret)
{
	struct pyspyc_memory_now now = { 0 };
	struct pyspyc_error err = { 0 };
	int wrong = saving->memory ? pyspyc_recorder_memory(app->recorder, &now, &err)
				   : pyspyc_live_profile(app->recorder, &app->query, ret, &err);

	if (wrong)
		tui_app_say(app, TUI_BAD, "%s", err.message);
	else if (saving->memory ? !now.peak_rss : !pyspyc_profile_samples(*ret))
		tui_app_say(app, TUI_WARM, "There is nothing to save yet");
	else
		return true;
	return false;
}

void tui_app_save(struct tui_app *app, const struct tui_saving *saving)
{
	struct pyspyc_profile *profile = NULL;

	if (!format_of(saving))
		tui_app_say(app, TUI_BAD, "There is no such format");
	else if (take_profile(app, saving, &profile))
		write_file(app, saving, profile);
	pyspyc_profile_free(profile);
}
