/* The parts of a flame graph's file. */
#ifndef SPY_SINK_FLAMEGRAPH_H
#define SPY_SINK_FLAMEGRAPH_H

#include "base/buffer.h"
#include "sink/flamegraph_tree.h"

/* Colours: five shades for each origin that is code, one for the rest. */
#define SPY_FLAME_SHADES 5
#define SPY_FLAME_COLOURS (SPY_ORIGIN_NONE * SPY_FLAME_SHADES + 1)

/* The colour's number, 0 to SPY_FLAME_COLOURS - 1; the same for all of a file's frames. */
unsigned int spy_flame_colour(const struct pyspyc_profile *profile, const struct spy_frame *frame);

/* "Own code", "Standard library", …: as the legend says. */
const char *spy_flame_origin_name(enum spy_origin origin);

/* What an empty profile has none of, and why it may be empty, for people. */
const char *spy_flame_nothing(const struct pyspyc_profile *profile);
const char *spy_flame_why_empty(const struct pyspyc_profile *profile);

/* "samples", or what is counted instead. */
const char *spy_flame_unit(const struct pyspyc_profile *profile);

/* Appends number with commas. */
void spy_flame_number(struct spy_buffer *buffer, uint64_t number);

/* Appends "1,230 samples", or "12.3 MiB" in a profile of bytes. */
void spy_flame_amount(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		      uint64_t samples);

/* Appends part as a share of whole: "12.3 %". Holds `<` or `>` near the ends: escape. */
void spy_flame_share(struct spy_buffer *buffer, uint64_t part, uint64_t whole);

/* Appends "2026-01-31 12:00:00 +0000 · 12.3 s · 1,230 samples". */
void spy_flame_facts(struct spy_buffer *buffer, const struct pyspyc_profile *profile);

/* Appends the picture that needs no script: a `svg` start tag with its size, and its contents. */
void spy_flame_picture(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		       const struct spy_flame_tree *tree, const char *style);

/* Appends the same as JSON for the script, safe inside XML. False when memory ran out. */
bool spy_flame_data(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		    const struct spy_flame_tree *tree);

#endif
