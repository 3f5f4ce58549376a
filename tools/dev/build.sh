# shellcheck shell=bash
# ./dev build: configures when needed, compiles, and leaves the program at BUILD/pyspyc.

# configure DIR [meson options…]: afresh when the options changed; again when what meson looked
# for did, which it cannot notice itself: the lists of test files, and cmocka.
configure() {
	local dir=$1 options seen
	shift
	options="$* ${CC:-}"
	seen=$(find tests/unit tests/fuzz -name '*.c' | sort | cksum)
	seen+=$(pkg-config --modversion cmocka 2>/dev/null || true)
	if [ "$(cat "$dir/.dev-options" 2>/dev/null)" != "$options" ]; then
		rm -rf "$dir"
		meson_setup "$dir" "$@"
	elif [ "$(cat "$dir/.dev-seen" 2>/dev/null)" != "$seen" ]; then
		meson_setup "$dir" --reconfigure "$@"
	fi
	printf '%s' "$options" >"$dir/.dev-options"
	printf '%s' "$seen" >"$dir/.dev-seen"
}

meson_setup() {
	meson setup "$@" >"$1.log" 2>&1 || {
		cat "$1.log" >&2
		rm -f "$1.log"
		die "meson could not configure $1"
	}
	mv "$1.log" "$1/configure.log"
}

# compile DIR [tests]: the program, and everything else only when asked for. (To meson, `all`
# has the tests in it.)
compile() {
	local -a targets=(pyspyc)
	if [ "${2:-}" = tests ]; then targets=(all meson-test-prereq); fi
	ninja -C "$1" -j "$JOBS" -k 0 --quiet "${targets[@]}"
}

build_release() {
	need_for build
	configure build --buildtype=release -Db_lto=true
	compile build
}

# -O1: the sanitizers' reports keep their frames, and -Werror sees the flow analysis' warnings.
# Not --buildtype as well: on a reconfiguration it would set the optimisation back.
# shellcheck disable=SC2054 # the comma belongs to meson's value
SANITIZED=(-Ddebug=true -Doptimization=1 -Db_lto=false -Dwerror=true
	-Db_sanitize=address,undefined -Db_lundef=false)

build_dev() {
	need_for build unit
	configure build-dev "${SANITIZED[@]}" -Dtests=enabled
	compile build-dev tests
}

# The fuzzers, with clang's libFuzzer where clang has it, else with the driver in tests/fuzz.
build_fuzz() {
	local fuzzer=false cc=gcc
	need_for build fuzz
	if command -v clang >/dev/null; then
		cc=clang
		has_libfuzzer || install_packages "$(clang_runtime_package)"
		if has_libfuzzer; then fuzzer=true; fi
	fi
	CC=$cc configure build-fuzz "${SANITIZED[@]}" -Dlibfuzzer=$fuzzer
	compile build-fuzz tests
}

has_libfuzzer() {
	local dir status=0
	dir=$(mktemp -d)
	echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' \
		>"$dir/probe.c"
	clang -fsanitize=fuzzer,address,undefined -o "$dir/probe" "$dir/probe.c" \
		>/dev/null 2>&1 || status=1
	rm -rf "$dir"
	return $status
}

dev_build() {
	case ${1:---release} in
	--release)
		build_release
		echo "build/pyspyc"
		;;
	--dev)
		build_dev
		echo "build-dev/pyspyc"
		;;
	*) die "build takes --release or --dev" ;;
	esac
}
