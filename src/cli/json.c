#include "cli/json.h"

#include <stdlib.h>

#include "cli/message.h"
#include "pyspyc/version.h"

json_t *cli_json_string(const char *text)
{
	json_t *value;
	char *safe = NULL;
	size_t size;
	FILE *memory;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	memory = open_memstream(&safe, &size);
	if (!memory)
		return NULL;
	cli_put_safe(memory, text);
	fclose(memory);
	value = json_string(safe);
	free(safe);
	return value;
}

json_t *cli_json_document(const char *schema, int version)
{
	return json_pack("{s:s, s:i, s:s, s:[], s:[]}", "schema", schema, "version", version,
			 "pyspyc", pyspyc_version(), "processes", "errors");
}

static const char *code_name(enum pyspyc_code code)
{
	switch (code) {
	case PYSPYC_ENOPROC:
		return "no-process";
	case PYSPYC_EPERM:
		return "not-permitted";
	case PYSPYC_ENOTPYTHON:
		return "not-python";
	case PYSPYC_ENOTREADY:
		return "not-ready";
	case PYSPYC_EIMPL:
		return "not-cpython";
	case PYSPYC_EVERSION:
		return "unknown-version";
	case PYSPYC_EFAULT:
	case PYSPYC_ECORRUPT:
	case PYSPYC_EAGAIN:
		return "unreadable";
	case PYSPYC_OK:
	case PYSPYC_ENOMEM:
	case PYSPYC_ESYS:
	case PYSPYC_EINVAL:
	case PYSPYC_EIO:
		break;
	}
	return "failed";
}

bool cli_json_add_error(json_t *document, pid_t pid, const struct pyspyc_error *err)
{
	json_t *error = json_pack("{s:i, s:s, s:o}", "pid", (int)pid, "code", code_name(err->code),
				  "message", cli_json_string(err->message));

	return error && !json_array_append_new(json_object_get(document, "errors"), error);
}

void cli_json_print(FILE *file, const json_t *document)
{
	json_dumpf(document, file, JSON_INDENT(2));
	fputc('\n', file);
}
