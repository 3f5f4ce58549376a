#include "cpython/lines.h"

#include <limits.h>

/* The line as callers want it: hostile tables can sum up to anything. */
static int line_or_none(int64_t line)
{
	return line > 0 && line <= INT_MAX ? (int)line : SPY_NO_LINE;
}

/*
 * Pairs of bytes: how far the next row's first instruction is, and how many lines further
 * down (up, where negative is allowed). The last row is open-ended.
 */
static int line_of_lnotab(const uint8_t *table, size_t size, bool is_signed, int first_line,
			  int64_t lasti)
{
	int64_t line = first_line, address = 0;
	size_t i;

	for (i = 0; i + 1 < size; i += 2) {
		address += table[i];
		if (address > lasti)
			break;
		line += is_signed ? (int8_t)table[i + 1] : table[i + 1];
	}
	return line_or_none(line);
}

/* The line increment that marks instructions without a line. */
#define NO_LINE_310 (-128)

/* Pairs of bytes: how long the row is, and its line's distance from the row before. */
static int line_of_310(const uint8_t *table, size_t size, int first_line, int64_t lasti)
{
	int64_t line = first_line, end = 0;
	size_t i;

	for (i = 0; i + 1 < size; i += 2) {
		int delta = (int8_t)table[i + 1];

		end += table[i];
		if (delta != NO_LINE_310)
			line += delta;
		if (lasti < end)
			return delta == NO_LINE_310 ? SPY_NO_LINE : line_or_none(line);
	}
	return SPY_NO_LINE;
}

/* Codes of a location entry, bits 3-6 of its first byte (Include/cpython/code.h of 3.11). */
enum location_code {
	LOCATION_ONE_LINE0 = 10,
	LOCATION_ONE_LINE1 = 11,
	LOCATION_ONE_LINE2 = 12,
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* Only the first byte of an entry has this bit. */
#define LOCATION_START 0x80
#define CODE_UNIT_SIZE 2

/* Six bits a byte, lowest first, 0x40 when more follow; the lowest bit of all is the sign. */
static bool read_signed_varint(const uint8_t *bytes, size_t size, int64_t *ret)
{
	uint64_t value = 0;
	unsigned shift = 0;
	size_t i;

	for (i = 0; i < size && shift < 36; i++, shift += 6) {
		if (bytes[i] & LOCATION_START)
			return false;
		value |= (uint64_t)(bytes[i] & 0x3f) << shift;
		if (!(bytes[i] & 0x40)) {
			*ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
			return true;
		}
	}
	return false;
}

/* How far an entry's line is from the line before; false when the entry makes no sense. */
static bool location_delta(const uint8_t *entry, size_t size, int64_t *ret)
{
	switch (entry[0] >> 3 & 15) {
	case LOCATION_ONE_LINE1:
		*ret = 1;
		return true;
	case LOCATION_ONE_LINE2:
		*ret = 2;
		return true;
	case LOCATION_NO_COLUMNS:
	case LOCATION_LONG:
		return read_signed_varint(entry + 1, size - 1, ret);
	default:
		*ret = 0;
		return true;
	}
}

static int line_of_locations(const uint8_t *table, size_t size, int first_line, int64_t lasti)
{
	int64_t line = first_line, end = 0, delta;
	size_t i = 0;

	while (i < size) {
		if (!(table[i] & LOCATION_START) || !location_delta(table + i, size - i, &delta))
			return SPY_NO_LINE;
		line += delta;
		end += ((table[i] & 7) + 1) * CODE_UNIT_SIZE;
		if (lasti < end) {
			bool none = (table[i] >> 3 & 15) == LOCATION_NONE;

			return none ? SPY_NO_LINE : line_or_none(line);
		}
		do
			i++;
		while (i < size && !(table[i] & LOCATION_START));
	}
	return SPY_NO_LINE;
}

int spy_line_of(enum spy_line_table kind, const uint8_t *table, size_t size, int first_line,
		int64_t lasti)
{
	if (lasti < 0)
		return line_or_none(first_line);
	switch (kind) {
	case SPY_LINES_LNOTAB:
		return line_of_lnotab(table, size, true, first_line, lasti);
	case SPY_LINES_LNOTAB_UNSIGNED:
		return line_of_lnotab(table, size, false, first_line, lasti);
	case SPY_LINES_310:
		return line_of_310(table, size, first_line, lasti);
	case SPY_LINES_LOCATIONS:
		return line_of_locations(table, size, first_line, lasti);
	}
	return SPY_NO_LINE;
}
