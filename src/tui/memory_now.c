#include "tui/memory_now.h"

#include <stdio.h>

#include "tui/cells.h"
#include "tui/view.h"

/* Over less than this a rate says nothing. */
#define LEAST_NS 50000000u

void tui_memory_now_free(struct tui_memory_now *now)
{
	tui_growing_free(&now->growing);
}

static double a_second(uint64_t now, uint64_t before, uint64_t time_ns)
{
	return now > before ? (double)(now - before) * 1e9 / (double)time_ns : 0;
}

/* Which line has grown most, whoever ran it. */
static void look_at_lines(struct tui_memory_now *now, struct pyspyc_recorder *recorder)
{
	const struct pyspyc_query query = { .scope = PYSPYC_SCOPE_ALL };
	struct pyspyc_table table = { 0 };
	const struct pyspyc_row *row;

	now->grown = 0;
	if (pyspyc_live_table(recorder, PYSPYC_TABLE_LINES, &query, &table, NULL))
		return;
	row = tui_growing_update(&now->growing, &table, &now->grown);
	if (row)
		tui_place_full(&row->place, now->line, sizeof(now->line));
	pyspyc_table_free(&table);
}

void tui_memory_now_update(struct tui_memory_now *now, struct pyspyc_recorder *recorder)
{
	struct pyspyc_memory_now memory;
	uint64_t time_ns;

	if (pyspyc_recorder_memory(recorder, &memory, NULL))
		return;
	time_ns = memory.at_ns - now->memory.at_ns;
	if (now->known && (memory.at_ns < now->memory.at_ns || time_ns < LEAST_NS))
		return;
	now->faults = now->major = 0;
	if (now->known) {
		now->faults = a_second(memory.minor + memory.major,
				       now->memory.minor + now->memory.major, time_ns);
		now->major = a_second(memory.major, now->memory.major, time_ns);
	}
	look_at_lines(now, recorder);
	now->memory = memory;
	now->known = true;
}

void tui_memory_now_draw(const struct tui_memory_now *now, struct tui_area line)
{
	char bytes[32];
	int x = line.x;

	tui_put(line.y, line.x, line.width, TUI_TEXT, true, "");
	if (!now->grown) {
		tui_put(line.y, x, line.width, TUI_DIM, false, "no line grows now");
		return;
	}
	x += tui_putf(line.y, x, line.width, TUI_WARM, false, "+%s ",
		      tui_bytes((double)now->grown, bytes, sizeof(bytes)));
	if (x < line.x + line.width)
		tui_put(line.y, x, line.x + line.width - x, TUI_TEXT, false, now->line);
}
