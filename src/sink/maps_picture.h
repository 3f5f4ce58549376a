/* What processes use their memory for, as a picture. */
#ifndef SPY_SINK_MAPS_PICTURE_H
#define SPY_SINK_MAPS_PICTURE_H

#include <stdio.h>

#include "pyspyc/maps.h"

/*
 * Writes count processes as one SVG without a script: for each a bar of what is in memory by kind,
 * and below it the kinds with the largest items of each. title gives a kind's name. Write errors are
 * the caller's.
 */
int spy_maps_picture_write(const struct pyspyc_maps *const *maps, size_t count,
			   const char *(*title)(enum pyspyc_map_kind kind), FILE *file,
			   struct pyspyc_error *err);

#endif
