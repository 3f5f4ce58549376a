/*
 * Decodes objects of a running interpreter: `check_objects PID VERSION [BUILD]`, where BUILD
 * has the letters d (Py_DEBUG) and t (Py_GIL_DISABLED). Reads requests such as `str ADDRESS`
 * (see tests/targets/objects.py) and answers each with a line, texts in hexadecimal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cpython/code.h"
#include "cpython/names.h"

static void print_hex(const void *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		printf("%02x", ((const unsigned char *)bytes)[i]);
	if (!size)
		printf("-");
}

static void print_text(const char *text)
{
	print_hex(text, strlen(text));
}

static int ask_text(const char *kind, const struct spy_heap *heap, uint64_t address,
		    struct pyspyc_error *err)
{
	spy_autobuffer struct spy_buffer text = { 0 };
	int result;

	if (strcmp(kind, "str") == 0)
		result = spy_string_read(heap, address, &text, err);
	else if (strcmp(kind, "bytes") == 0)
		result = spy_bytes_read(heap, address, 1 << 20, &text, err);
	else
		result = spy_type_name(heap, address, &text, err);
	if (result == 0)
		print_hex(spy_buffer_text(&text), text.size);
	return result;
}

static int ask_number(const char *kind, const struct spy_heap *heap, uint64_t address,
		      struct pyspyc_error *err)
{
	uint64_t whole;
	int64_t value;
	int result;

	if (strcmp(kind, "long") == 0) {
		result = spy_long_read(heap, address, &value, err);
		if (result == 0)
			printf("%" PRId64, value);
		return result;
	}
	result = spy_ulong_read(heap, address, &whole, err);
	if (result == 0)
		printf("%" PRIu64, whole);
	return result;
}

static bool print_entry(void *context, uint64_t key, uint64_t value)
{
	size_t *count = context;

	printf("%s%" PRIx64 ":%" PRIx64, (*count)++ ? " " : "", key, value);
	return true;
}

static int ask_entries(const char *kind, const struct spy_heap *heap, uint64_t address,
		       struct pyspyc_error *err)
{
	spy_autofree uint64_t *items = NULL;
	size_t count = 0, i;
	int result;

	if (strcmp(kind, "dict") == 0) {
		result = spy_dict_visit(heap, address, print_entry, &count, err);
	} else {
		result = spy_list_read(heap, address, &items, &count, err);
		for (i = 0; result == 0 && i < count; i++)
			printf("%s%" PRIx64, i ? " " : "", items[i]);
	}
	if (result == 0 && !count)
		printf("-");
	return result;
}

static int ask_value(const char *kind, const struct spy_heap *heap, uint64_t address,
		     const char *key, struct pyspyc_error *err)
{
	uint64_t value = 0;
	int result;

	if (strcmp(kind, "get") == 0)
		result = spy_dict_get(heap, address, key, &value, err);
	else
		result = spy_instance_get(heap, address, key, &value, err);
	if (result == 0)
		printf("%" PRIx64, value);
	return result;
}

static int ask_code(const struct spy_heap *heap, uint64_t address, struct pyspyc_error *err)
{
	struct spy_code code;
	int result = spy_code_read(heap, address, &code, err);

	if (result < 0)
		return result;
	print_text(code.filename);
	printf(" ");
	print_text(code.name);
	printf(" ");
	if (code.qualname)
		print_text(code.qualname);
	else
		printf("none");
	printf(" %d ", code.first_line);
	print_hex(code.lines, code.lines_size);
	printf(" %" PRIx64 " %d", code.bytecode, code.first_traceable);
	spy_code_free(&code);
	return 0;
}

static int ask_interpreter(const char *kind, const struct spy_heap *heap, uint64_t address,
			   struct pyspyc_error *err)
{
	struct spy_thread_names names;
	struct spy_paths paths;
	size_t i;
	int result;

	if (strcmp(kind, "names") == 0) {
		result = spy_thread_names_read(heap, address, &names, err);
		for (i = 0; result == 0 && i < names.count; i++) {
			printf("%s%" PRIu64 ":", i ? " " : "", names.items[i].ident);
			print_text(names.items[i].name);
		}
		if (result == 0)
			spy_thread_names_free(&names);
		return result;
	}
	result = spy_sys_path_read(heap, address, &paths, err);
	for (i = 0; result == 0 && i < paths.count; i++) {
		printf("%s", i ? " " : "");
		print_text(paths.items[i]);
	}
	if (result == 0)
		spy_paths_free(&paths);
	return result;
}

static int ask(const char *kind, const struct spy_heap *heap, uint64_t address, const char *key,
	       struct pyspyc_error *err)
{
	switch (kind[0]) {
	case 's':
	case 'b':
	case 't':
		return ask_text(kind, heap, address, err);
	case 'u':
		return ask_number(kind, heap, address, err);
	case 'l':
		return kind[1] == 'o' ? ask_number(kind, heap, address, err)
				      : ask_entries(kind, heap, address, err);
	case 'd':
		return ask_entries(kind, heap, address, err);
	case 'g':
	case 'a':
		return ask_value(kind, heap, address, key, err);
	case 'c':
		return ask_code(heap, address, err);
	default:
		return ask_interpreter(kind, heap, address, err);
	}
}

static int answer_all(const struct spy_heap *heap)
{
	char line[256], kind[16], key[64];
	struct pyspyc_error err = { 0 };
	uint64_t address;

	while (fgets(line, sizeof(line), stdin)) {
		key[0] = '\0';
		if (sscanf(line, "%15s %" SCNx64 " %63s", kind, &address, key) < 2)
			return 2;
		if (ask(kind, heap, address, key, &err) < 0) {
			fprintf(stderr, "%s: %s\n", kind, err.message);
			printf("error");
		}
		printf("\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct pyspyc_error err = { 0 };
	struct spy_heap heap = { 0 };
	struct spy_layout layout;
	int result;

	if (argc < 3 || !spy_version_parse(argv[2], strlen(argv[2]), &heap.version))
		return 2;
	heap.version.debug = argc > 3 && strchr(argv[3], 'd');
	heap.version.free_threaded = argc > 3 && strchr(argv[3], 't');
	heap.layout = &layout;
	if (spy_layout_find(&heap.version, SPY_ARCH_HERE, &layout, &err) < 0 ||
	    spy_memory_open_live(atoi(argv[1]), &heap.memory, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 2;
	}
	result = answer_all(&heap);
	spy_memory_close(heap.memory);
	return result;
}
