/* Values of options: numbers, times, rates, process ids. Pure functions over text. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Longest and shortest accepted. */
#define CLI_DURATION_MAX (366.0 * 24 * 3600)
#define CLI_DURATION_MIN 0.001
#define CLI_RATE_MIN 0.001
#define CLI_SIZE_MAX 1152921504606846976.0 /* 1 EiB */
#define CLI_COUNT_MAX 1000000000u

/*
 * Each puts the value in *ret and returns NULL, or returns what is wrong with text as the end
 * of a sentence that starts with it: "is not a number". *ret is then untouched.
 */

/* Seconds from "10", "0.5", "10s", "5m", "1h30m", "200ms", "2d"; 0 for "unlimited". */
const char *cli_parse_duration(const char *text, double *ret);

/* Samples a second from "100", "1k", "2.5khz", "1m", "100hz". */
const char *cli_parse_rate(const char *text, double *ret);

/* A percentage above 0 and up to 100 from "10", "2.5", "10%". */
const char *cli_parse_percent(const char *text, double *ret);

/* Bytes from "2G", "512M", "1.5GiB", "300MB" (K, M, G, T and KiB are 1024s, kB are 1000s). */
const char *cli_parse_size(const char *text, double *ret);

/* Bytes a minute from "50M/min", "1G/h", "200K/s"; without a unit of time a minute's. */
const char *cli_parse_growth(const char *text, double *ret);

/* How many: 1, 2, … or 0 for "unlimited" (and 0). */
const char *cli_parse_count(const char *text, uint64_t *ret);

/* A process id from decimal or 0x hexadecimal. */
const char *cli_parse_pid(const char *text, pid_t *ret);

#endif
