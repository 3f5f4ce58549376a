#include "tui/memory_processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cells.h"

enum { PID, CPU, RSS, USS, GROWTH, COMMAND };

static const struct pyspyc_live_process *process_at(const void *context, size_t row)
{
	static const struct pyspyc_live_process none = { .command = "", .cpu = -1 };
	const struct tui_memory_processes *processes = context;

	return processes->live && row < processes->live->process_count
		       ? &processes->live->processes[row]
		       : &none;
}

static double growth(const void *context, size_t row)
{
	const struct tui_memory_processes *processes = context;

	return row < processes->room ? processes->growth[row] : 0;
}

static void cell_pid(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_process *process = process_at(context, row);

	cell->role = process->ended ? TUI_DIM : TUI_TEXT;
	snprintf(cell->text, sizeof(cell->text), "%d", (int)process->pid);
}

static void cell_cpu(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, process_at(context, row)->cpu);
}

/* Nothing is measured of what has ended, and USS cannot always be had. */
static void cell_bytes(uint64_t bytes, struct tui_cell *cell)
{
	cell->role = bytes ? TUI_TEXT : TUI_DIM;
	if (bytes)
		tui_bytes((double)bytes, cell->text, sizeof(cell->text));
	else
		snprintf(cell->text, sizeof(cell->text), "-");
}

static void cell_rss(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(process_at(context, row)->rss, cell);
}

static void cell_uss(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(process_at(context, row)->uss, cell);
}

static void cell_growth(const void *context, size_t row, struct tui_cell *cell)
{
	double bytes = growth(context, row), rss = (double)process_at(context, row)->rss;

	cell->role = bytes > 0 && rss > 0 ? tui_heat(bytes / rss) : TUI_DIM;
	tui_bytes(bytes, cell->text, sizeof(cell->text));
}

static void cell_command(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_process *process = process_at(context, row);

	cell->role = process->ended ? TUI_DIM : TUI_TEXT;
	snprintf(cell->text, sizeof(cell->text), "%s%s", process->ended ? "(ended) " : "",
		 process->command ? process->command : "");
}

static int compare_pids(const void *context, size_t left, size_t right)
{
	pid_t a = process_at(context, left)->pid, b = process_at(context, right)->pid;

	return a < b ? -1 : a > b;
}

static int compare_cpu(const void *context, size_t left, size_t right)
{
	return tui_larger_share(process_at(context, left)->cpu, process_at(context, right)->cpu);
}

static int compare_rss(const void *context, size_t left, size_t right)
{
	return tui_larger((double)process_at(context, left)->rss,
			  (double)process_at(context, right)->rss);
}

static int compare_uss(const void *context, size_t left, size_t right)
{
	return tui_larger((double)process_at(context, left)->uss,
			  (double)process_at(context, right)->uss);
}

static int compare_growth(const void *context, size_t left, size_t right)
{
	return tui_larger(growth(context, left), growth(context, right));
}

static int compare_commands(const void *context, size_t left, size_t right)
{
	return tui_compare_names(process_at(context, left)->command,
				 process_at(context, right)->command);
}

static const struct tui_column columns[] = {
	[PID] = { "Pid", -7, 0, 0, cell_pid, compare_pids },
	[CPU] = { "%CPU", -6, 0, '1', cell_cpu, compare_cpu },
	[RSS] = { "RSS", -7, 0, '2', cell_rss, compare_rss },
	[USS] = { "USS", -7, 50, '3', cell_uss, compare_uss },
	[GROWTH] = { "Growth", -8, 0, '4', cell_growth, compare_growth },
	[COMMAND] = { "Command", 0, 0, 0, cell_command, compare_commands, true },
	{ NULL },
};

static uint64_t identity(const void *context, size_t row)
{
	return (uint64_t)process_at(context, row)->pid;
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_process *process = process_at(context, row);

	snprintf(cell->text, sizeof(cell->text), "%d %s", (int)process->pid,
		 process->command ? process->command : "");
}

void tui_memory_processes_open(struct tui_memory_processes *processes)
{
	tui_list_init(&processes->list, columns, RSS);
	processes->list.context = processes;
	processes->list.identity = identity;
	processes->list.text = text;
}

void tui_memory_processes_free(struct tui_memory_processes *processes)
{
	tui_list_free(&processes->list);
	free(processes->growth);
	processes->growth = NULL;
	processes->room = 0;
}

static bool reserve(struct tui_memory_processes *processes, size_t count)
{
	double *grown;

	if (count <= processes->room)
		return true;
	grown = reallocarray(processes->growth, count, sizeof(*grown));
	if (!grown)
		return false;
	processes->growth = grown;
	memset(grown + processes->room, 0, (count - processes->room) * sizeof(*grown));
	processes->room = count;
	return true;
}

void tui_memory_processes_update(struct tui_memory_processes *processes,
				 const struct pyspyc_live *live, const struct pyspyc_table *table)
{
	processes->live = live;
	processes->list.count = live->process_count;
	if (!reserve(processes, live->process_count))
		processes->list.count = processes->room;
	for (size_t i = 0; i < processes->list.count; i++) {
		processes->growth[i] = 0;
		for (size_t row = 0; row < table->count; row++)
			if (table->rows[row].place.pid == live->processes[i].pid)
				processes->growth[i] += (double)table->rows[row].amounts.grown -
							(double)table->rows[row].amounts.released;
	}
	tui_list_update(&processes->list);
}
