#include <math.h>
#include <stdio.h>

#include "tui/view.h"

static double capped(double value, double most)
{
	return value < most ? value : most;
}

const char *tui_percent(double share, char *buffer, size_t size)
{
	if (!(share >= 0)) /* not known, or no number */
		snprintf(buffer, size, "%6s", "-");
	else if (share < 9.9995)
		snprintf(buffer, size, "%5.1f%%", share * 100);
	else
		snprintf(buffer, size, "%5.0f%%", capped(share, 1e6) * 100);
	return buffer;
}

const char *tui_seconds(double seconds, char *buffer, size_t size)
{
	if (!(seconds >= 0)) {
		snprintf(buffer, size, "-");
		return buffer;
	}
	if (seconds < 59.95) {
		snprintf(buffer, size, seconds < 9.995 ? "%.2fs" : "%.1fs", seconds);
		return buffer;
	}
	unsigned long whole = (unsigned long)(capped(seconds, 1e12) + 0.5);
	unsigned long minutes = whole / 60, hours = minutes / 60, days = hours / 24;

	if (hours == 0)
		snprintf(buffer, size, "%lum%02lus", minutes, whole % 60);
	else if (days == 0)
		snprintf(buffer, size, "%luh%02lum", hours, minutes % 60);
	else
		snprintf(buffer, size, "%lud%02luh", days, hours % 24);
	return buffer;
}

const char *tui_bytes(double bytes, char *buffer, size_t size)
{
	static const char units[] = "BKMGTPE";
	double amount = fabs(bytes);
	size_t unit = 0;

	if (isnan(bytes)) {
		snprintf(buffer, size, "-");
		return buffer;
	}
	while (unit + 2 < sizeof(units) && amount >= (unit ? 1023.5 : 1024)) {
		amount /= 1024;
		unit++;
	}
	amount = capped(amount, 99999);
	/* There is no -0. */
	snprintf(buffer, size, unit && amount < 99.95 ? "%s%.1f%c" : "%s%.0f%c",
		 bytes < 0 && (unit || amount > 0.5) ? "-" : "", amount, units[unit]);
	return buffer;
}

enum tui_role tui_heat(double share)
{
	return share >= 0.25 ? TUI_HOT : share >= 0.05 ? TUI_WARM : TUI_COOL;
}
