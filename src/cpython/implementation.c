/* Pythons that are not CPython, by what gives them away. */
#include <string.h>

#include "cpython/find.h"

/* What gives one away; all parts that are not NULL must be there. */
static const struct sign {
	const char *name;
	const char *program; /* the start of the executable's name */
	const char *mapped;  /* the start of the name of a file that is mapped */
	const char *command; /* a part of the command line, in any case of letters */
} signs[] = {
	{ "PyPy", "pypy", NULL, NULL },
	{ "PyPy", NULL, "libpypy", NULL },
	{ "GraalPy", "graalpy", NULL, NULL },
	{ "GraalPy", NULL, "libpythonvm.so", NULL },
	{ "GraalPy", "java", NULL, "graalpy" },
	{ "MicroPython", "micropython", NULL, NULL },
	{ "CircuitPython", "circuitpython", NULL, NULL },
	{ "Jython", "java", NULL, "jython" },
	{ "Jython", "java", NULL, "org.python.util" },
	{ "IronPython", NULL, "IronPython.", NULL },
	{ "IronPython", "mono", NULL, "ipy" },
	{ "RustPython", "rustpython", NULL, NULL },
	{ "Pyston", "pyston", NULL, NULL },
};

static bool starts(const char *path, const char *prefix)
{
	return strncmp(spy_basename(path), prefix, strlen(prefix)) == 0;
}

static bool maps_file(const struct spy_maps *maps, const char *prefix)
{
	size_t i;

	for (i = 0; i < maps->count; i++)
		if (maps->items[i].path[0] == '/' && starts(maps->items[i].path, prefix))
			return true;
	return false;
}

const char *spy_implementation_of_process(const struct spy_process *process)
{
	size_t i;

	for (i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		const struct sign *sign = &signs[i];

		if ((!sign->program || starts(process->exe, sign->program)) &&
		    (!sign->mapped || maps_file(&process->maps, sign->mapped)) &&
		    (!sign->command || strcasestr(process->command, sign->command)))
			return sign->name;
	}
	return NULL;
}

const char *spy_implementation_of_text(const char *text)
{
	if (strstr(text, "[PyPy"))
		return "PyPy";
	if (strstr(text, "[Pyston"))
		return "Pyston";
	if (strstr(text, "Stackless"))
		return "Stackless Python";
	if (strstr(text, "+cinder") || strstr(text, "(cinder"))
		return "Cinder";
	return NULL;
}
