# shellcheck shell=bash
# ./dev demo: from a fresh clone to a flame graph of a bundled program.
# shellcheck source=tools/dev/build.sh
. tools/dev/build.sh

dev_demo() {
	local out=${1:-demo.svg} seconds=5
	build_release
	say "recording examples/shop.py for $seconds seconds"
	# Launched, not attached to: that needs no privilege.
	build/pyspyc record -o "$out" -d "$seconds" -- "$(system_python)" examples/shop.py "$((seconds + 1))"
	[ -s "$out" ] || die "no picture was written"
	say "the flame graph is in $(readlink -f "$out"): open it in any browser"
}
