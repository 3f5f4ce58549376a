/* The parts of a plot of memory over time. */
#ifndef SPY_SINK_MEMORY_PLOT_H
#define SPY_SINK_MEMORY_PLOT_H

#include "base/buffer.h"
#include "sink/memory.h"

/*
 * Layers that are stacked: one for each of the largest processes, in the order in which they were
 * seen. When there are more processes, the last layer is all others.
 */
#define SPY_PLOT_LAYERS 12

/* At most four moments a column are kept: the first, the last, the smallest and the largest. */
#define SPY_PLOT_COLUMNS 1000
#define SPY_PLOT_COLUMNS_OF_MANY 500 /* with more than one layer */

#define SPY_PLOT_BUCKETS 550 /* of page faults */

/* Page faults are counted at most so often (lib/memory_points.c): a count is of such a time at least. */
#define SPY_PLOT_FAULTS_NS 100000000u
#define SPY_PLOT_PEAKS 6
#define SPY_PLOT_CLIMBS 16
#define SPY_PLOT_GROWERS 12

/* Larger sizes do not exist; with these, sums and what JavaScript makes of them stay exact. */
#define SPY_PLOT_LARGEST ((uint64_t)1 << 46)

/* Characters of a name or file that are kept; longer ones are cut in their middle. */
#define SPY_PLOT_NAME_LENGTH 400

/* Sizes besides RSS, of all processes together, each drawn as a line. */
enum spy_plot_line {
	SPY_PLOT_PSS,
	SPY_PLOT_USS,
	SPY_PLOT_SWAP,
	SPY_PLOT_LINES,
};

/* All that is drawn of one moment. Bytes. */
struct spy_plot_moment {
	uint64_t at_ns;
	uint64_t rss; /* of all */
	uint64_t lines[SPY_PLOT_LINES];
	uint64_t layers[SPY_PLOT_LAYERS]; /* their sum is rss */
	bool read;			  /* PSS and USS of all that are there were read */
};

/* A line of code that memory grew on. */
struct spy_plot_grower {
	uint32_t frame;
	uint64_t grown, released;
};

struct spy_plot {
	const struct spy_history *history;
	const struct pyspyc_profile *profile;
	uint64_t span_ns;     /* of the time axis, at least 1 */
	uint64_t first, last; /* RSS of all when it began and when it ended */
	uint64_t most;	      /* the largest that a line or the layers reach */
	bool known[SPY_PLOT_LINES];
	uint32_t layer_count;
	uint32_t layer_process[SPY_PLOT_LAYERS]; /* UINT32_MAX: all others */
	uint32_t others;			 /* processes in that layer */
	uint8_t *layer_of;			 /* of each process */
	struct spy_plot_moment *moments;
	uint32_t moment_count, moment_capacity;
	bool faults; /* there were some */
	double minor[SPY_PLOT_BUCKETS], major[SPY_PLOT_BUCKETS];
	struct spy_history_peak peaks[SPY_PLOT_PEAKS];
	uint32_t peak_count;
	struct spy_history_climb climbs[SPY_PLOT_CLIMBS];
	uint32_t climb_count;
	struct spy_plot_grower growers[SPY_PLOT_GROWERS];
	uint32_t grower_count;
};

/* Works out what is to be drawn. To be freed also when it failed. */
int spy_plot_make(const struct spy_memory_recording *recording, struct spy_plot *plot,
		  struct pyspyc_error *err);
void spy_plot_free(struct spy_plot *plot);

/* Fills plot->growers with the lines that memory grew on, the one that it grew most on first. */
int spy_plot_find_growers(struct spy_plot *plot);

/* Fills plot->climbs, the largest first. */
int spy_plot_find_climbs(struct spy_plot *plot);

/* Where a climb's label leads: half way up, or where processes began or ended half way along. */
void spy_plot_middle(const struct spy_plot *plot, const struct spy_history_climb *climb,
		     uint64_t *at_ns, uint64_t *rss);

/* "+29.4 MB", or "9.5 of +29.4 MB" when that is all that the line it is named by had of it. */
void spy_plot_growth(struct spy_buffer *buffer, const struct spy_history_climb *climb, bool named);

/* Fills plot->minor and plot->major. */
int spy_plot_count_faults(struct spy_plot *plot);

/* True when the limit is near enough to be drawn. */
bool spy_plot_shows_limit(const struct spy_plot *plot);

/* --- memory_plot_text.c: texts, all visible characters, not escaped for XML --- */

/* "812 KiB", "12.3 MiB", "1.50 GiB", "1.70 TiB". */
void spy_plot_size(struct spy_buffer *buffer, uint64_t bytes);

/* A time that something took: "80 ms", "0.8 s", "12 s", "3 min", "1.5 h". */
void spy_plot_duration(struct spy_buffer *buffer, uint64_t ns);

/* A time on the axis whose ticks are step_ns apart: "0.25 s", "1 min 30 s", "2 h". */
void spy_plot_time(struct spy_buffer *buffer, uint64_t at_ns, uint64_t step_ns);

/* The hour at that time of the recording: "14:05:30". Nothing when it is not known. */
void spy_plot_clock(struct spy_buffer *buffer, int64_t started_at, uint64_t at_ns,
		    uint64_t step_ns);

/* Distances of ticks, so that there are at most `most` of them. */
uint64_t spy_plot_time_step(uint64_t span_ns, unsigned int most);
uint64_t spy_plot_size_step(uint64_t bytes, unsigned int most);

/* A tick of the size axis: "200 MiB". */
void spy_plot_tick(struct spy_buffer *buffer, uint64_t bytes, uint64_t step);

/* `Class.function` and `file:line`, without controls; a frame that is none: two empty texts. */
void spy_plot_place(const struct pyspyc_profile *profile, const struct spy_frame *frame,
		    struct spy_buffer *name, struct spy_buffer *place);

/* "4711 python3 worker.py" */
void spy_plot_process_name(const struct spy_plot *plot, uint32_t layer, struct spy_buffer *buffer);

/* When, how long, peak, start and end. */
void spy_plot_facts(const struct spy_plot *plot, struct spy_buffer *buffer);

/* Of the lines: as people read them, and as styles do. */
extern const char *const spy_plot_line_names[SPY_PLOT_LINES];
extern const char *const spy_plot_line_classes[SPY_PLOT_LINES];

/* --- memory_plot_labels.c --- */

/* The place between from and to that is nearest to at. */
static inline double spy_plot_nearest(double at, double from, double to)
{
	return at < from ? from : at > to ? to : at;
}

struct spy_plot_box {
	double left, top, width, height;
};

/* A label: where its leader begins, and its box once it has a place. */
struct spy_plot_label {
	double x, y;
	struct spy_plot_box box; /* width and height are given */
	bool placed;
	bool below; /* the curve */
	bool wall;  /* no label, but where none may be: it has no leader */
};

/* Where labels may go: inside a box, off the curve, of which the y of each column is known. */
struct spy_plot_room {
	struct spy_plot_box inside;
	const double *highest, *lowest; /* of the curve, by pixel column from inside.left on */
	size_t columns;
};

/*
 * Gives places to labels, the first ones first; those for which there is none stay unplaced. Those that have
 * a place keep it.
 */
void spy_plot_place_labels(const struct spy_plot_room *room, struct spy_plot_label *labels,
			   size_t count);

/* --- the file's parts --- */

/* Appends the picture that needs no script: a `svg` start tag with its size, and its contents. */
int spy_plot_picture(struct spy_buffer *buffer, const struct spy_plot *plot);

/* Appends the same as JSON for the script, safe inside XML. False when memory ran out. */
bool spy_plot_data(struct spy_buffer *buffer, const struct spy_plot *plot);

#endif
