#include "profile/profile.h"

#include <string.h>

/* One component of a path. */
struct component {
	const char *text;
	size_t size;
};

/* The component that starts at or after *path, which is moved behind it; size 0 at the end. */
static struct component next_component(const char **path)
{
	struct component ret;

	*path += strspn(*path, "/");
	ret.text = *path;
	ret.size = strcspn(*path, "/");
	*path += ret.size;
	return ret;
}

static bool is(struct component component, const char *text)
{
	return component.size == strlen(text) && memcmp(component.text, text, component.size) == 0;
}

static bool starts(struct component component, const char *prefix)
{
	size_t size = strlen(prefix);

	return component.size >= size && memcmp(component.text, prefix, size) == 0;
}

static bool ends(struct component component, const char *suffix)
{
	size_t size = strlen(suffix);

	return component.size > size &&
	       memcmp(component.text + component.size - size, suffix, size) == 0;
}

/* pythonX, pythonX.Y, pythonX.Yt and pythonXY.zip: where a lib folder keeps the library. */
static bool is_python_folder(struct component component)
{
	size_t i = strlen("python");

	if (!starts(component, "python") || component.size == i)
		return false;
	if (ends(component, ".zip"))
		component.size -= strlen(".zip");
	while (i < component.size &&
	       ((component.text[i] >= '0' && component.text[i] <= '9') || component.text[i] == '.'))
		i++;
	return i > strlen("python") &&
	       (i == component.size || (i + 1 == component.size && component.text[i] == 't'));
}

/* Whether a folder called this holds packages that someone else wrote. */
static bool is_package_folder(struct component component)
{
	return is(component, "site-packages") || is(component, "dist-packages") ||
	       is(component, ".pex") || ends(component, ".egg") || ends(component, ".whl");
}

enum spy_origin spy_origin_of(const char *path)
{
	struct component before = { "", 0 }, component;
	bool stdlib = strncmp(path, "<frozen ", strlen("<frozen ")) == 0;

	for (;;) {
		component = next_component(&path);
		if (!component.size)
			break;
		if (is_package_folder(component))
			return SPY_ORIGIN_THIRD_PARTY;
		/* The file itself is no folder, unless it is the library in a zip archive. */
		if (*path == '/' && (is(before, "lib") || is(before, "lib64")) &&
		    is_python_folder(component))
			stdlib = true;
		/* A CPython that runs from where it was built. */
		if (*path == '/' && is(component, "Lib") &&
		    (starts(before, "Python-") || starts(before, "cpython")))
			stdlib = true;
		before = component;
	}
	return stdlib ? SPY_ORIGIN_STDLIB : SPY_ORIGIN_OWN;
}
