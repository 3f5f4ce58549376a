# shellcheck shell=bash
# ./dev test: every runner in turn, each stage's figures into one tally.
# shellcheck source=tools/dev/build.sh
. tools/dev/build.sh

ALL_STAGES="unit dev fuzz aarch64 checks live browser"
FUZZ_SECONDS=5

tally() {
	python3 tools/dev/tally.py "$TALLY" "$@"
}

# A stage's preparation that fails is a failure of that stage, not the end of the run.
failed() {
	say "$1: $2"
	tally add "$1" failed "$2"
}

skipped() {
	say "$1 skipped: $2"
	tally add "$1" skipped "$2"
}

# In a subshell of its own, so that `die` ends the stage only.
attempt() {
	local stage=$1
	shift
	("$@") && return 0
	failed "$stage" "$*"
	return 1
}

meson_tests() {
	local stage=$1 dir=$2 suite=$3
	say "$stage: meson test -C $dir --suite $suite"
	rm -f "$dir/meson-logs/testlog-$stage.json"
	meson test -C "$dir" --no-rebuild --suite "$suite" --logbase "testlog-$stage" \
		--quiet --print-errorlogs --num-processes "$JOBS" || true
	tally meson "$stage" "$dir/meson-logs/testlog-$stage.json"
}

# pytest_stage STAGE FOLDER [options…]
pytest_stage() {
	local stage=$1 folder=$2 report status=0
	shift 2
	if [ -z "$(find "$folder" -name 'test_*.py' -print -quit 2>/dev/null)" ]; then
		skipped "$stage" "there are no tests in $folder"
		return 0
	fi
	if [ ! -e "$VENV/.stamp" ]; then
		failed "$stage" "there is no pytest to run $folder with"
		return 0
	fi
	report=$SCRATCH/$stage.xml
	say "$stage: pytest $folder $*"
	PYSPYC=$PWD/build/pyspyc PYSPYC_BUILD=$PWD/build PYSPYC_MATRIX=$PWD/build/$stage.matrix \
		"$VENV/bin/python" -m pytest "$folder" \
		-p no:cacheprovider -q --tb=short --timeout 300 --junitxml "$report" "$@" || status=$?
	case $status in
	0 | 1 | 5) tally junit "$stage" "$report" ;;
	*) failed "$stage" "pytest ended with status $status" ;;
	esac
}

stage_unit() {
	meson_tests unit build unit
}

stage_dev() {
	attempt dev build_dev || return 0
	meson_tests dev build-dev unit
	meson_tests replay build-dev fuzz
}

stage_fuzz() {
	local program name status
	local -a folders
	attempt fuzz build_fuzz || return 0
	for program in build-fuzz/tests/fuzz/fuzz_*; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
		name=${program##*/fuzz_}
		# libFuzzer keeps what it finds in the first folder: not in the tree's.
		folders=("$SCRATCH/$name")
		if [ -d "tests/fuzz/corpus/$name" ]; then folders+=("tests/fuzz/corpus/$name"); fi
		mkdir -p "$SCRATCH/$name" "$SCRATCH/crashes"
		status=0
		timeout $((FUZZ_SECONDS * 12)) "$program" -max_total_time=$FUZZ_SECONDS -max_len=16384 \
			-rss_limit_mb=2048 -timeout=10 -artifact_prefix="$SCRATCH/crashes/$name-" \
			"${folders[@]}" >"$SCRATCH/$name.log" 2>&1 || status=$?
		if [ $status = 0 ]; then
			say "fuzz: $name: $(tail -n 1 "$SCRATCH/$name.log")"
			tally add fuzz passed "$name"
		else
			tail -n 40 "$SCRATCH/$name.log"
			mkdir -p build-fuzz/crashes
			cp "$SCRATCH/crashes/$name-"* build-fuzz/crashes/ 2>/dev/null || true
			failed fuzz "$name (status $status; inputs in build-fuzz/crashes)"
		fi
	done
}

stage_aarch64() {
	# shellcheck source=tools/dev/aarch64.sh
	. tools/dev/aarch64.sh
	need_for build unit aarch64
	if ! command -v aarch64-linux-gnu-gcc >/dev/null; then
		skipped aarch64 "no aarch64-linux-gnu-gcc here"
		return 0
	fi
	if ! aarch64_sysroot; then
		skipped aarch64 "the libraries for arm64 cannot be had here (see $PYSPYC_CACHE/arm64.log)"
		return 0
	fi
	attempt aarch64 build_aarch64 || return 0
	tally add aarch64 passed "everything compiles"
	if command -v qemu-aarch64-static >/dev/null; then
		meson_tests aarch64 build-aarch64 unit
	else
		skipped aarch64 "no qemu-aarch64-static to run the unit tests"
	fi
}

stage_checks() {
	pytest_stage checks tests/checks -n "$JOBS"
}

stage_live() {
	local line
	local -a selection=()
	if [ -n "$QUICK" ]; then
		selection=(-m quick)
	else
		need_for live pythons
		python3 tools/dev/pythons.py || true
		while IFS= read -r line; do
			say "no CPython $line"
		done < <(python3 tools/dev/pythons.py --missing)
	fi
	# On a busy machine a sampler sees less than a test expects: a failure is tried again, twice,
	# and each such try is shown. What is broken fails every time.
	pytest_stage live tests/live -n "$JOBS" --reruns 2 -rR "${selection[@]}" "${PYTEST_ARGS[@]}"
}

stage_browser() {
	need_for browser
	if [ -f tests/browser/package.json ] && command -v npm >/dev/null; then
		node_modules tests/browser/package.json
	fi
	pytest_stage browser tests/browser --reruns 2 -rR "${PYTEST_ARGS[@]}"
}

# The packages of a package.json, in the cache; sets PYSPYC_NODE_MODULES.
node_modules() {
	local place=$PYSPYC_CACHE/node
	mkdir -p "$place"
	if ! cmp -s "$1" "$place/package.json" || [ ! -d "$place/node_modules" ]; then
		cp "$1" "$place/package.json"
		(cd "$place" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error) ||
			say "npm install failed; tests that need its packages will say so"
	fi
	if [ -d "$place/node_modules" ]; then export PYSPYC_NODE_MODULES=$place/node_modules; fi
}

dev_test() {
	local stages=$ALL_STAGES stage started status=0
	QUICK=''
	PYTEST_ARGS=()
	while [ $# -gt 0 ]; do
		case $1 in
		--quick)
			QUICK=yes
			stages="dev checks live"
			;;
		--only)
			[ $# -gt 1 ] || die "--only takes names of stages: $ALL_STAGES"
			stages=${2//,/ }
			shift
			;;
		--)
			shift
			PYTEST_ARGS=("$@")
			break
			;;
		*) die "test takes --quick, --only STAGES, -- PYTEST-ARGUMENTS" ;;
		esac
		shift
	done
	for stage in $stages; do
		case " $ALL_STAGES " in
		*" $stage "*) ;;
		*) die "no stage '$stage': $ALL_STAGES" ;;
		esac
	done

	SCRATCH=$(mktemp -d)
	TALLY=$SCRATCH/tally
	trap 'rm -rf "$SCRATCH"' EXIT
	[ -n "$QUICK" ] || need_for build unit checks
	VENV=$PYSPYC_CACHE/venv
	attempt setup venv venv tests/requirements.txt || true
	# All at once: checks installs, live and browser run programs of tests/unit.
	if attempt build build_release; then
		attempt build compile build tests || true
	else
		stages=''
	fi
	for stage in $stages; do
		started=$SECONDS
		"stage_$stage"
		say "$stage took $((SECONDS - started)) s"
	done
	tally close || status=$?
	return $status
}
