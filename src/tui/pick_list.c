/* The table of the picker. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/cells.h"
#include "tui/clock.h"
#include "tui/pick.h"
#include "tui/view.h"

enum { PID, USER, VERSION, CPU, RSS, COMMAND, COLUMNS };

#define USERS_LIMIT 256

struct tui_pick_user {
	uid_t uid;
	char name[32];
};

static const struct pyspyc_process_info *process_at(const void *context, size_t row)
{
	return &((const struct tui_pick_list *)context)->processes[row];
}

/* Names are looked up once: where they come over a network that may take long. */
static const char *user_name(const struct tui_pick_list *list, uid_t uid)
{
	for (size_t i = 0; i < list->user_count; i++)
		if (list->users[i].uid == uid)
			return list->users[i].name;
	return "";
}

static void learn_user(struct tui_pick_list *list, uid_t uid)
{
	struct tui_pick_user *user;
	const struct passwd *entry;

	if (user_name(list, uid)[0] || list->user_count >= USERS_LIMIT)
		return;
	user = realloc(list->users, (list->user_count + 1) * sizeof(*user));
	if (!user)
		return;
	list->users = user;
	user += list->user_count++;
	user->uid = uid;
	entry = getpwuid(uid);
	if (entry && entry->pw_name && entry->pw_name[0])
		snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	else
		snprintf(user->name, sizeof(user->name), "%u", (unsigned)uid);
}

/* --- columns --- */

/* What may not be read is dim, all of its row. */
static enum tui_role role_of(const struct pyspyc_process_info *process, enum tui_role role)
{
	return process->readable ? role : TUI_DIM;
}

static void cell_pid(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	cell->role = role_of(process, TUI_STRONG);
	snprintf(cell->text, sizeof(cell->text), "%d", (int)process->pid);
}

static void cell_user(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	tui_cell_text(cell, role_of(process, TUI_TEXT), user_name(context, process->uid));
}

static void cell_version(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	tui_cell_text(cell, role_of(process, TUI_TEXT), process->version);
}

static void cell_cpu(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, ((const struct tui_pick_list *)context)->cpu[row]);
	cell->role = role_of(process_at(context, row), cell->role);
}

static void cell_rss(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	cell->role = role_of(process, TUI_TEXT);
	tui_bytes((double)process->rss, cell->text, sizeof(cell->text));
}

/* Without the interpreter's folder, so that what it runs is seen. */
static const char *short_command(const char *command)
{
	const char *slash = memrchr(command, '/', strcspn(command, " "));

	return slash && slash[1] && slash[1] != ' ' ? slash + 1 : command;
}

static void cell_command(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	tui_cell_text(cell, role_of(process, TUI_TEXT), short_command(process->command));
}

static int compare_pids(const void *context, size_t left, size_t right)
{
	pid_t a = process_at(context, left)->pid, b = process_at(context, right)->pid;

	return a < b ? -1 : a > b;
}

static int compare_users(const void *context, size_t left, size_t right)
{
	return strcasecmp(user_name(context, process_at(context, left)->uid),
			  user_name(context, process_at(context, right)->uid));
}

/* 3.12 before 3.9, what is not known last. */
static int compare_versions(const void *context, size_t left, size_t right)
{
	return -strverscmp(process_at(context, left)->version[0] == '?'
				   ? ""
				   : process_at(context, left)->version,
			   process_at(context, right)->version[0] == '?'
				   ? ""
				   : process_at(context, right)->version);
}

static int compare_cpu(const void *context, size_t left, size_t right)
{
	const struct tui_pick_list *list = context;

	return tui_larger(list->cpu[left], list->cpu[right]);
}

static int compare_rss(const void *context, size_t left, size_t right)
{
	return tui_larger((double)process_at(context, left)->rss,
			  (double)process_at(context, right)->rss);
}

static int compare_commands(const void *context, size_t left, size_t right)
{
	return strcasecmp(short_command(process_at(context, left)->command),
			  short_command(process_at(context, right)->command));
}

static const struct tui_column columns[COLUMNS + 1] = {
	[PID] = { "Pid", -7, 0, '1', cell_pid, compare_pids },
	[USER] = { "User", 10, 60, '2', cell_user, compare_users },
	[VERSION] = { "Version", 8, 0, '3', cell_version, compare_versions },
	[CPU] = { "%CPU", -6, 0, '4', cell_cpu, compare_cpu },
	[RSS] = { "RSS", -6, 50, '5', cell_rss, compare_rss },
	[COMMAND] = { "Command", 0, 0, '6', cell_command, compare_commands },
};

/* --- the list --- */

static uint64_t identity(const void *context, size_t row)
{
	return (uint64_t)process_at(context, row)->pid;
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_process_info *process = process_at(context, row);

	snprintf(cell->text, sizeof(cell->text), "%d %s %s %s", (int)process->pid,
		 user_name(context, process->uid), process->version, process->command);
}

void tui_pick_list_open(struct tui_pick_list *list)
{
	tui_list_init(&list->list, columns, CPU);
	list->list.context = list;
	list->list.identity = identity;
	list->list.text = text;
}

void tui_pick_list_close(struct tui_pick_list *list)
{
	tui_list_free(&list->list);
	pyspyc_processes_free(list->processes, list->count);
	free(list->cpu);
	free(list->users);
}

static const struct pyspyc_process_info *find(const struct tui_pick_list *list, pid_t pid)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->processes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->processes[low].pid == pid ? &list->processes[low] : NULL;
}

/* -1 for one that was not there at the last look. */
static double share_since(const struct tui_pick_list *before,
			  const struct pyspyc_process_info *process, double elapsed_ns)
{
	const struct pyspyc_process_info *last = find(before, process->pid);

	if (!last || !(elapsed_ns > 0) || last->cpu_ns > process->cpu_ns)
		return -1;
	return (double)(process->cpu_ns - last->cpu_ns) / elapsed_ns;
}

int tui_pick_list_update(struct tui_pick_list *list, struct pyspyc_error *err)
{
	struct pyspyc_process_info *processes = NULL;
	uint64_t now = tui_clock_ns();
	size_t count = 0;
	double *cpu;
	int result = pyspyc_processes(&processes, &count, err);

	if (result < 0)
		return result;
	cpu = calloc(count ? count : 1, sizeof(*cpu));
	if (!cpu) {
		pyspyc_processes_free(processes, count);
		if (err) {
			err->code = PYSPYC_ENOMEM;
			snprintf(err->message, sizeof(err->message), "out of memory");
		}
		return -PYSPYC_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		cpu[i] = share_since(list, &processes[i], (double)(now - list->at_ns));
		learn_user(list, processes[i].uid);
	}
	pyspyc_processes_free(list->processes, list->count);
	free(list->cpu);
	list->processes = processes;
	list->count = list->list.count = count;
	list->cpu = cpu;
	tui_list_update(&list->list);
	/* Sorted for good now: from here on the cursor is on a process, not on a place. */
	if (list->at_ns)
		list->list.moved = true;
	list->at_ns = now;
	return 0;
}
