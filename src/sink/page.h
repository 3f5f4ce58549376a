/* What the pages that stand in SVG files have in common: head, styles and scripts. */
#ifndef SPY_SINK_PAGE_H
#define SPY_SINK_PAGE_H

#include "base/buffer.h"
#include "profile/profile.h"

#define SPY_PAGE_WIDTH 1200
#define SPY_PAGE_MARGIN 16

/* Appends visible text, as wide as columns allow, escaped. */
void spy_page_fit(struct spy_buffer *buffer, const char *text, size_t columns);

/* Appends text as it can be shown, its middle cut out when it is long, escaped. NULL is no text. */
void spy_page_visible(struct spy_buffer *buffer, const char *text, size_t most);

/* Appends "2026-01-31 12:00:00 +0000 · ", the first fact; nothing where that is not known. */
void spy_page_started(struct spy_buffer *buffer, const struct pyspyc_profile *profile);

/* Appends the file's start: the `svg` start tag, its title and styles, and where the picture begins. */
void spy_page_start(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		    const char *untitled, const char *kind, const char *style, int height);

/* Appends the picture's head: the title, of `most` characters, the facts, the line of truth. */
void spy_page_head(struct spy_buffer *buffer, const struct pyspyc_profile *profile, size_t most,
		   const char *facts);

/* Appends what an empty picture says, below y. */
void spy_page_empty(struct spy_buffer *buffer, int y, const char *what, const char *why);

/* Appends a member of a JSON object, behind others: text as it can be shown. NULL is no text. */
void spy_page_member(struct spy_buffer *buffer, const char *key, const char *text, size_t most);

/* Appends the scripts, of which page.js is the first, and the file's end; NULL ends the others. */
void spy_page_end(struct spy_buffer *buffer, const char *const *scripts);

#endif
