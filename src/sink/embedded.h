/* Files that become part of the program; made by tools/embed. */
#ifndef SPY_SINK_EMBEDDED_H
#define SPY_SINK_EMBEDDED_H

/* NUL-terminated. */
extern const char spy_embedded_flamegraph_css[];
extern const char spy_embedded_flamegraph_model_js[];
extern const char spy_embedded_flamegraph_js[];
extern const char spy_embedded_flamegraph_events_js[];

#endif
