/* Limits of control groups: both versions, nested ones, and texts that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/cgroup.h"

#define GB (UINT64_C(1) << 30)

static bool group(const char *text, bool unified, char ret[SPY_CGROUP_PATH])
{
	return spy_cgroup_parse(text, strlen(text), unified, ret);
}

static bool mount_of(const char *text, bool unified, const char *path, struct spy_cgroup_mount *ret)
{
	return spy_cgroup_mount_parse(text, strlen(text), unified, path, ret);
}

/* --- /proc/PID/cgroup --- */

static void test_groups(void **state)
{
	static const char both[] = "12:cpu,cpuacct:/cpu\n4:blkio,memory:/a:b/c d\n"
				   "1:name=memory2:/no\n0::/system.slice/app.service\n";
	char path[SPY_CGROUP_PATH];

	assert_true(group(both, false, path));
	assert_string_equal(path, "/a:b/c d");
	assert_true(group(both, true, path));
	assert_string_equal(path, "/system.slice/app.service");
	assert_true(group("0::/", true, path)); /* the last line may have no end */
	assert_string_equal(path, "/");
	assert_false(group("0::/", false, path));
	assert_false(group("4:memory:/x\n", true, path));
}

static void test_bad_groups(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		":",
		"::",
		"0",
		"0:",
		"0::",
		"0::\n",
		"0::x\n",
		"00::/x\n",
		"1::/x\n",
		"4:memory",
		"4:memory:",
		"4:memory:x",
		"4:memoryx:/x",
		"4:xmemory,cpu:/x",
		"4:name=memory:/x",
		"memory:/x",
		"\n\n:::\n",
	};
	char path[SPY_CGROUP_PATH], *text = malloc(SPY_CGROUP_PATH + 16);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (group(bad[i], false, path) || group(bad[i], true, path))
			fail_msg("taken: %s", bad[i]);
	assert_false(spy_cgroup_parse("0::/a\0b\n", 8, true, path));
	/* As long as there is room for, and one more. */
	memset(text, 'x', SPY_CGROUP_PATH + 16);
	memcpy(text, "0::/", 4);
	assert_true(spy_cgroup_parse(text, 3 + SPY_CGROUP_PATH - 1, true, path));
	assert_int_equal(strlen(path), SPY_CGROUP_PATH - 1);
	assert_false(spy_cgroup_parse(text, 3 + SPY_CGROUP_PATH, true, path));
	free(text);
}

/* --- mountinfo --- */

static const char mounts[] =
	"31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
	"33 31 0:30 / /sys/fs/cgroup/cpuacct rw shared:9 - cgroup cgroup rw,cpuacct\n"
	"34 31 0:32 /docker/ab /mnt/in\\040side rw - cgroup cgroup rw,memory\n"
	"35 31 0:32 / /sys/fs/cgroup/mem\\011\\134x rw shared:7 master:1 - cgroup cgroup rw,memory\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";

static void test_mounts(void **state)
{
	struct spy_cgroup_mount *mount = malloc(sizeof(*mount));

	assert_true(mount_of(mounts, false, "/docker/ab/cd", mount));
	assert_string_equal(mount->root, "/"); /* from there more of the groups can be seen */
	assert_string_equal(mount->point, "/sys/fs/cgroup/mem\t\\x");
	assert_true(mount_of(mounts, true, "/", mount));
	assert_string_equal(mount->point, "/sys/fs/cgroup/unified");
	/* In a container there is only the part below its own root. */
	assert_true(mount_of("34 31 0:32 /docker/ab /mnt/in\\040side rw - cgroup c rw,memory\n",
			     false, "/docker/ab", mount));
	assert_string_equal(mount->root, "/docker/ab");
	assert_string_equal(mount->point, "/mnt/in side");
	assert_false(mount_of("34 31 0:32 /docker/ab /mnt rw - cgroup cgroup rw,memory\n", false,
			      "/docker/abc", mount));
	free(mount);
}

static void test_bad_mounts(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		" ",
		"- cgroup2",
		"1 2 3 / /x rw",
		"1 2 3 / /x rw -",
		"1 2 3 / /x rw - ",
		"1 2 3 / /x rw - cgroup3 c rw,memory",
		"1 2 3 / /x rw - cgroup c rw,memoryx",
		"1 2 3 / /x rw cgroup2 cgroup2 rw\n",
	};
	struct spy_cgroup_mount *mount = malloc(sizeof(*mount));
	char *text = malloc(SPY_CGROUP_PATH * 2);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (mount_of(bad[i], false, "/", mount) || mount_of(bad[i], true, "/", mount))
			fail_msg("taken: %s", bad[i]);
	/* What is no escape stays; one may stand at the end. */
	assert_true(mount_of("1 2 3 / /a\\04\\0400\\400\\ rw - cgroup2 c rw", true, "/", mount));
	assert_string_equal(mount->point, "/a\\04 0\\400\\");
	/* An escaped zero ends the name, and nothing is read behind it. */
	assert_true(mount_of("1 2 3 / /a\\000b rw - cgroup2 c rw", true, "/", mount));
	assert_string_equal(mount->point, "/a");
	snprintf(text, SPY_CGROUP_PATH * 2, "1 2 3 / /%0*d rw - cgroup2 c rw", SPY_CGROUP_PATH, 0);
	assert_false(mount_of(text, true, "/", mount));
	free(text);
	free(mount);
}

/* --- limits --- */

static void test_limits(void **state)
{
	static const struct {
		const char *text;
		uint64_t value; /* 0: none */
	} cases[] = {
		{ "1073741824\n", GB },
		{ "4096", 4096 },
		{ "max\n", 0 },
		{ "", 0 },
		{ "\n", 0 },
		{ "0\n", 0 },
		{ "9223372036854771712\n", 0 },
		{ "18446744073709551615\n", 0 },
		{ "18446744073709551616\n", 0 },
		{ "99999999999999999999999999999999\n", 0 },
		{ "-1\n", 0 },
		{ " 1\n", 0 },
		{ "1 2\n", 0 },
		{ "1k\n", 0 },
		{ "0x10\n", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t value = 0;
		bool found = spy_cgroup_limit_parse(cases[i].text, strlen(cases[i].text), &value);

		if (found != (cases[i].value != 0) || value != cases[i].value)
			fail_msg("\"%s\" gave %d, %llu", cases[i].text, found,
				 (unsigned long long)value);
	}
}

/* --- groups within groups --- */

struct tree {
	char folder[64];
	char mounts[512];
};

static void put(const struct tree *tree, const char *path, const char *name, const char *text)
{
	char file[256], *slash;
	FILE *out;

	snprintf(file, sizeof(file), "%s%s/%s", tree->folder, path, name);
	for (slash = strchr(file + strlen(tree->folder), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(file, 0755);
		*slash = '/';
	}
	out = fopen(file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void grow_tree(struct tree *tree)
{
	const char *rest = tree->folder + strlen("/tmp/pyspyc groups ");

	snprintf(tree->folder, sizeof(tree->folder), "/tmp/pyspyc groups XXXXXX");
	assert_non_null(mkdtemp(tree->folder));
	snprintf(tree->mounts, sizeof(tree->mounts),
		 "1 2 3 / /tmp/pyspyc\\040groups\\040%s/v1 rw - cgroup cgroup rw,memory\n"
		 "1 2 3 / /tmp/pyspyc\\040groups\\040%s/v2 rw - cgroup2 cgroup2 rw\n",
		 rest, rest);
}

static void fell_tree(const struct tree *tree)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", tree->folder);
	assert_int_equal(system(command), 0);
}

static void expect(const struct tree *tree, const char *groups, uint64_t limit, const char *whose)
{
	char *name;

	assert_int_equal(spy_cgroup_find(groups, strlen(groups), tree->mounts, strlen(tree->mounts),
					 &name),
			 limit);
	if (whose)
		assert_string_equal(name, whose);
	else
		assert_null(name);
	free(name);
}

static void test_nested(void **state)
{
	struct tree tree;

	grow_tree(&tree);
	put(&tree, "/v2/slice/app/worker", "memory.max", "max\n");
	put(&tree, "/v2/slice/app", "memory.max", "3221225472\n");
	put(&tree, "/v2/slice", "memory.max", "2147483648\n");
	put(&tree, "/v2/other", "memory.max", "4096\n");
	expect(&tree, "0::/slice/app/worker\n", 2 * GB, "/slice");
	put(&tree, "/v2/slice/app/worker", "memory.max", "1073741824\n");
	expect(&tree, "0::/slice/app/worker\n", GB, "/slice/app/worker");
	expect(&tree, "0::/slice/app\n", 2 * GB, "/slice");
	/* A group that has gone: those above it still hold. */
	expect(&tree, "0::/slice/gone/deep\n", 2 * GB, "/slice");
	expect(&tree, "0::/\n", 0, NULL);
	/* Outside of what this process may see, and what wants to lead out of it. */
	expect(&tree, "0::/../other\n", 0, NULL);
	expect(&tree, "0::/slice/../other\n", 0, NULL);
	/* Both versions at once: the smaller one counts. */
	put(&tree, "/v1/box", "memory.limit_in_bytes", "536870912\n");
	put(&tree, "/v1", "memory.limit_in_bytes", "9223372036854771712\n");
	expect(&tree, "4:memory:/box\n0::/slice\n", GB / 2, "/box");
	put(&tree, "/v1", "memory.limit_in_bytes", "1048576\n");
	expect(&tree, "4:memory:/box\n0::/slice\n", 1 << 20, "/");
	expect(&tree, "", 0, NULL);
	fell_tree(&tree);
}

static void test_own(void **state)
{
	char *name;
	uint64_t limit = spy_cgroup_limit(getpid(), &name);

	assert_int_equal(limit != 0, name != NULL);
	free(name);
	assert_int_equal(spy_cgroup_limit(-1, &name), 0);
	assert_null(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups), cmocka_unit_test(test_bad_groups),
		cmocka_unit_test(test_mounts), cmocka_unit_test(test_bad_mounts),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
