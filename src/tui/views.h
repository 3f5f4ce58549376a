/* The views' descriptors, from the list in top.h. */
#ifndef TUI_VIEWS_H
#define TUI_VIEWS_H

#include "tui/view.h"

#define TUI_DECLARE_VIEW(name) extern const struct tui_view tui_view_##name;
TUI_VIEW_LIST(TUI_DECLARE_VIEW, TUI_DECLARE_VIEW)
#undef TUI_DECLARE_VIEW

/* In tui_views, without the NULL. */
#define TUI_COUNT_VIEW(name) +1
enum { TUI_VIEWS = TUI_VIEW_LIST(TUI_COUNT_VIEW, TUI_COUNT_VIEW) };
#undef TUI_COUNT_VIEW

#endif
