/* Marks a function as part of the library's public interface. */
#ifndef SPY_BASE_EXPORT_H
#define SPY_BASE_EXPORT_H

#define PYSPYC_EXPORT __attribute__((visibility("default")))

#endif
