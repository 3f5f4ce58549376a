/* The collector's state as text. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/gc.h"
#include "cli/message.h"

static const struct {
	unsigned bit;
	const char *name;
} flags[] = {
	{ PYSPYC_GC_DEBUG_STATS, "DEBUG_STATS" },
	{ PYSPYC_GC_DEBUG_COLLECTABLE, "DEBUG_COLLECTABLE" },
	{ PYSPYC_GC_DEBUG_UNCOLLECTABLE, "DEBUG_UNCOLLECTABLE" },
	{ PYSPYC_GC_DEBUG_INSTANCES, "DEBUG_INSTANCES" },
	{ PYSPYC_GC_DEBUG_OBJECTS, "DEBUG_OBJECTS" },
	{ PYSPYC_GC_DEBUG_SAVEALL, "DEBUG_SAVEALL" },
};

void cli_gc_flags(unsigned debug, char *buffer, size_t size)
{
	size_t used = 0;

	snprintf(buffer, size, "none");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && used < size; i++) {
		if (!(debug & flags[i].bit))
			continue;
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? " " : "",
					 flags[i].name);
		debug &= ~flags[i].bit;
	}
	if (debug && used < size)
		snprintf(buffer + used, size - used, "%s0x%x", used ? " " : "", debug);
}

void cli_gc_put_number(FILE *file, int width, int64_t number)
{
	if (number < 0)
		fprintf(file, "%*s", width, "-");
	else
		fprintf(file, "%*" PRId64, width, number);
}

static void put_line(FILE *file, const char *what, int64_t number)
{
	fprintf(file, "  %-22s", what);
	if (number < 0)
		fputs("not known\n", file);
	else
		fprintf(file, "%" PRId64 "\n", number);
}

static void put_interpreter(FILE *file, const struct pyspyc_gc_interpreter *interpreter)
{
	char names[160];

	cli_gc_flags(interpreter->debug, names, sizeof(names));
	fprintf(file, "\nInterpreter %" PRId64 "\n", interpreter->id);
	fprintf(file, "  %-22s%s\n", "automatic collection",
		interpreter->enabled ? "enabled" : "disabled");
	fprintf(file, "  %-22s%s\n", "collecting now", interpreter->collecting ? "yes" : "no");
	fprintf(file, "  %-22s%s\n", "debug flags", names);
	put_line(file, "frozen objects", interpreter->frozen);
	put_line(file, "in gc.garbage", interpreter->garbage);
	if (interpreter->long_lived_total >= 0)
		put_line(file, "long-lived objects", interpreter->long_lived_total);
	if (interpreter->long_lived_pending >= 0)
		put_line(file, "waiting to be so", interpreter->long_lived_pending);
	fputs("\n  generation       count  threshold  collections    collected  uncollectable\n",
	      file);
	for (int i = 0; i < PYSPYC_GC_GENERATIONS; i++) {
		const struct pyspyc_gc_generation *generation = &interpreter->generations[i];

		/* A count may be negative where objects were freed after a collection. */
		fprintf(file, "  %10d%12" PRId64 "%11" PRId64, i, generation->count,
			generation->threshold);
		cli_gc_put_number(file, 13, generation->collections);
		cli_gc_put_number(file, 13, generation->collected);
		cli_gc_put_number(file, 15, generation->uncollectable);
		fputc('\n', file);
	}
}

void cli_gc_text(FILE *file, const struct pyspyc_gc *gc)
{
	fprintf(file, "Process %d: ", (int)gc->pid);
	cli_put_safe(file, gc->command);
	fputs("\nPython v", file);
	cli_put_safe(file, gc->version);
	fputs(" (", file);
	cli_put_safe(file, gc->executable);
	fputs(")\n", file);
	for (size_t i = 0; i < gc->interpreter_count; i++)
		put_interpreter(file, &gc->interpreters[i]);
}
