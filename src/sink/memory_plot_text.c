/* Sizes, times and names as a plot of memory shows them. The script has the same rules. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "sink/escape.h"
#include "sink/memory_plot.h"
#include "sink/page.h"

#define SECOND 1000000000u
#define MINUTE (60ull * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB 1024.0

const char *const spy_plot_line_names[SPY_PLOT_LINES] = { "PSS", "USS", "Swap" };
const char *const spy_plot_line_classes[SPY_PLOT_LINES] = { "pss", "uss", "swap" };

void spy_plot_size(struct spy_buffer *buffer, uint64_t bytes)
{
	double size = (double)bytes / KIB;

	if (size < 999.5)
		spy_buffer_printf(buffer, "%.0f KiB", size);
	else if (size < 999.95 * KIB)
		spy_buffer_printf(buffer, "%.1f MiB", size / KIB);
	else if (size < 999.995 * KIB * KIB)
		spy_buffer_printf(buffer, "%.2f GiB", size / KIB / KIB);
	else
		spy_buffer_printf(buffer, "%.2f TiB", size / KIB / KIB / KIB);
}

void spy_plot_duration(struct spy_buffer *buffer, uint64_t ns)
{
	double seconds = (double)ns / SECOND;

	if (seconds < .0995)
		spy_buffer_printf(buffer, "%.0f ms", seconds * 1e3);
	else if (seconds < 9.95)
		spy_buffer_printf(buffer, "%.1f s", seconds);
	else if (seconds < 119.5)
		spy_buffer_printf(buffer, "%.0f s", seconds);
	else if (seconds < 5970)
		spy_buffer_printf(buffer, "%.0f min", seconds / 60);
	else
		spy_buffer_printf(buffer, "%.1f h", seconds / 3600);
}

void spy_plot_time(struct spy_buffer *buffer, uint64_t at_ns, uint64_t step_ns)
{
	const char *space = "";
	int decimals = 0;
	uint64_t part;

	for (part = SECOND; part > 1 && step_ns % part; part /= 10)
		decimals++;
	at_ns = (at_ns + part / 2) / part * part;
	if (!at_ns) {
		spy_buffer_putc(buffer, '0');
		return;
	}
	if (at_ns >= DAY) {
		spy_buffer_printf(buffer, "%" PRIu64 " d", (uint64_t)(at_ns / DAY));
		space = " ";
	}
	if (at_ns % DAY >= HOUR) {
		spy_buffer_printf(buffer, "%s%" PRIu64 " h", space, (uint64_t)(at_ns % DAY / HOUR));
		space = " ";
	}
	if (at_ns % HOUR >= MINUTE) {
		spy_buffer_printf(buffer, "%s%" PRIu64 " min", space,
				  (uint64_t)(at_ns % HOUR / MINUTE));
		space = " ";
	}
	if (at_ns % MINUTE)
		spy_buffer_printf(buffer, "%s%.*f s", space, decimals,
				  (double)(at_ns % MINUTE) / SECOND);
}

void spy_plot_clock(struct spy_buffer *buffer, int64_t started_at, uint64_t at_ns, uint64_t step_ns)
{
	time_t when = (time_t)(started_at + (int64_t)(at_ns / SECOND));
	char text[32];
	struct tm tm;

	if (started_at && localtime_r(&when, &tm) &&
	    strftime(text, sizeof(text), step_ns % MINUTE ? "%H:%M:%S" : "%H:%M", &tm))
		spy_buffer_puts(buffer, text);
}

uint64_t spy_plot_time_step(uint64_t span_ns, unsigned int most)
{
	static const unsigned int parts[] = { 1, 2, 5 };
	static const uint64_t longer[] = { 10,	15,   30,   60,	  120,	 300,	600,
					   900, 1800, 3600, 7200, 10800, 21600, 43200 };
	uint64_t unit, step = 0;
	size_t i;

	for (unit = 1; unit <= SECOND; unit *= 10)
		for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			step = unit * parts[i];
			if (span_ns / step < most)
				return step;
		}
	for (i = 0; i < sizeof(longer) / sizeof(longer[0]); i++)
		if (span_ns / (longer[i] * SECOND) < most)
			return longer[i] * SECOND;
	for (step = DAY; span_ns / step >= most; step *= 2)
		;
	return step;
}

uint64_t spy_plot_size_step(uint64_t bytes, unsigned int most)
{
	static const unsigned int rounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };
	uint64_t unit;
	size_t i;

	for (unit = 1024; unit < SPY_PLOT_LARGEST; unit *= 1024)
		for (i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++)
			if (bytes / (rounds[i] * unit) < most)
				return rounds[i] * unit;
	return bytes / most + 1;
}

void spy_plot_tick(struct spy_buffer *buffer, uint64_t bytes, uint64_t step)
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	uint64_t unit = 1024;
	unsigned int i = 0;

	for (; i < 4 && step >= unit * 1024; i++)
		unit *= 1024;
	if (bytes)
		spy_buffer_printf(buffer, "%" PRIu64 " %s", bytes / unit, names[i]);
	else
		spy_buffer_putc(buffer, '0');
}

void spy_plot_place(const struct pyspyc_profile *profile, const struct spy_frame *frame,
		    struct spy_buffer *name, struct spy_buffer *place)
{
	if (!frame)
		return;
	spy_escape_visible(name, spy_profile_text(profile, frame->name), SPY_PLOT_NAME_LENGTH);
	if (frame->kind != SPY_FRAME_PYTHON)
		return;
	spy_escape_visible(place, spy_profile_text(profile, frame->file), SPY_PLOT_NAME_LENGTH);
	if (frame->line > 0)
		spy_buffer_printf(place, ":%d", (int)frame->line);
}

void spy_plot_process_name(const struct spy_plot *plot, uint32_t layer, struct spy_buffer *buffer)
{
	const struct spy_history_process *process;
	const char *command, *slash;
	uint32_t index = plot->layer_process[layer];

	if (index == UINT32_MAX) {
		spy_buffer_printf(buffer, "%" PRIu32 " other%s", plot->others,
				  plot->others == 1 ? "" : "s");
		return;
	}
	process = &plot->history->processes[index];
	spy_buffer_printf(buffer, "%d ", (int)process->pid);
	/* The program without its folder, for there is little room. */
	command = process->command ? process->command : "";
	while ((slash = strchr(command, '/')) && slash < command + strcspn(command, " "))
		command = slash + 1;
	spy_escape_visible(buffer, command, 120);
}

void spy_plot_facts(const struct spy_plot *plot, struct spy_buffer *buffer)
{
	const struct spy_history *history = plot->history;

	spy_page_started(buffer, plot->profile);
	spy_plot_duration(buffer, plot->span_ns);
	if (!history->point_count)
		return;
	spy_buffer_puts(buffer, " · peak ");
	spy_plot_size(buffer, history->peak_rss);
	spy_buffer_puts(buffer, " at ");
	spy_plot_time(buffer, history->peak_ns,
		      plot->span_ns / 1000 > SECOND ? SECOND : SECOND / 100);
	spy_buffer_puts(buffer, " · start ");
	spy_plot_size(buffer, plot->first);
	spy_buffer_puts(buffer, " · end ");
	spy_plot_size(buffer, plot->last);
	if (history->limit) {
		spy_buffer_puts(buffer, " · limit ");
		spy_plot_size(buffer, history->limit);
	}
}
