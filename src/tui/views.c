#include "tui/views.h"

#include <stddef.h>

#define ADDRESS_OF(name) &tui_view_##name,

const struct tui_view *const tui_views[] = { TUI_VIEW_LIST(ADDRESS_OF, ADDRESS_OF) NULL };
