# shellcheck shell=bash
# ./dev lint: what tools can see without running anything. All of it, then the verdict.
# shellcheck source=tools/dev/build.sh
. tools/dev/build.sh

lint_step() {
	local name=$1
	shift
	say "$name"
	if ! "$@"; then
		FAULTS+=("$name")
	fi
}

lint_format() {
	c_files -print0 | xargs -0 clang-format --dry-run -Werror
}

lint_tidy() {
	# clang's own build, so that the flags are its own; compiled, because files that include
	# generated tables cannot be read before.
	build_fuzz || return 1
	find src -name '*.c' -print0 |
		xargs -0 -n 4 -P "$JOBS" clang-tidy -p build-fuzz --quiet 2>/dev/null
}

lint_spelling() {
	codespell
}

lint_shell() {
	local -a scripts=(dev .ci/run)
	while IFS= read -r -d '' script; do
		scripts+=("$script")
	done < <(find tools bench tests -name '*.sh' -print0)
	shellcheck -x "${scripts[@]}"
}

lint_man() {
	local page status=0
	for page in man/*.[1-9]; do
		[ -e "$page" ] || continue
		mandoc -T lint -W warning "$page" || status=1
	done
	return $status
}

dev_lint() {
	FAULTS=()
	need_for build unit lint
	lint_step clang-format lint_format
	lint_step clang-tidy lint_tidy
	lint_step codespell lint_spelling
	lint_step shellcheck lint_shell
	lint_step mandoc lint_man
	if [ ${#FAULTS[@]} -gt 0 ]; then
		die "lint found faults: ${FAULTS[*]}"
	fi
	say "lint found nothing"
}
