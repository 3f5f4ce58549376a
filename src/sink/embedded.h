/* Files that become part of the program; made by tools/embed. */
#ifndef SPY_SINK_EMBEDDED_H
#define SPY_SINK_EMBEDDED_H

/* NUL-terminated. */
extern const char spy_embedded_page_css[];
extern const char spy_embedded_page_js[];
extern const char spy_embedded_flamegraph_css[];
extern const char spy_embedded_flamegraph_model_js[];
extern const char spy_embedded_flamegraph_js[];
extern const char spy_embedded_flamegraph_events_js[];
extern const char spy_embedded_memory_plot_css[];
extern const char spy_embedded_memory_plot_model_js[];
extern const char spy_embedded_memory_plot_text_js[];
extern const char spy_embedded_memory_plot_draw_js[];
extern const char spy_embedded_memory_plot_js[];
extern const char spy_embedded_memory_plot_events_js[];

#endif
