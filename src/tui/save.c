/* What is seen, as a file in the current directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static void save(struct tui_app *app, const struct pyspyc_format *format,
		 const struct pyspyc_profile *profile)
{
	struct pyspyc_error err = { 0 };
	char figure[32];
	char name[256];
	struct stat info = { 0 };
	int fd = create(app, format->extensions[0], name, sizeof(name));
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
	wrong = pyspyc_profile_write(profile, format, file, &err);
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

void tui_app_save(struct tui_app *app, const char *name)
{
	const struct pyspyc_format *format = pyspyc_format_by_name(name);
	struct pyspyc_profile *profile = NULL;
	struct pyspyc_error err = { 0 };

	if (!format || pyspyc_live_profile(app->recorder, &app->query, &profile, &err)) {
		tui_app_say(app, TUI_BAD, "%s", format ? err.message : "There is no such format");
		return;
	}
	if (!pyspyc_profile_samples(profile))
		tui_app_say(app, TUI_WARM, "There is nothing to save yet");
	else
		save(app, format, profile);
	pyspyc_profile_free(profile);
}
