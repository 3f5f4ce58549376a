# shellcheck shell=bash
# Compiling for aarch64 against arm64 libraries in the cache: the system's own packages stay as
# they are, because apt works on a state of its own here.

ARM64_PACKAGES="libc6-dev libelf-dev libdw-dev libjansson-dev zlib1g-dev libncurses-dev libcmocka-dev"

# Makes $PYSPYC_CACHE/arm64/tree, a file tree with the libraries; returns 1 when it cannot.
aarch64_sysroot() {
	local place=$PYSPYC_CACHE/arm64
	[ "$(cat "$place/complete" 2>/dev/null)" != "$ARM64_PACKAGES" ] || return 0
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	say "aarch64: fetching the arm64 libraries into $place"
	mkdir -p "$place"
	if ! fetch_arm64 "$place" >"$PYSPYC_CACHE/arm64.log" 2>&1; then
		rm -rf "$place"
		return 1
	fi
}

fetch_arm64() {
	local place=$1 package
	local -a apt=(apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64
		-o Dir::State="$place/state" -o Dir::Cache="$place/cache"
		-o Dir::State::status="$place/state/status" -o APT::Sandbox::User=
		-o Debug::NoLocking=true)
	rm -rf "$place/tree"
	mkdir -p "$place"/{state/lists/partial,cache/archives/partial} "$place/tree"
	: >"$place/state/status"
	"${apt[@]}" update || return 1
	# An empty state: everything the packages need comes along. Nothing is installed.
	# shellcheck disable=SC2086
	"${apt[@]}" install --no-install-recommends --download-only $ARM64_PACKAGES || return 1
	for package in "$place"/cache/archives/*.deb; do
		dpkg-deb -x "$package" "$place/tree" || return 1
	done
	# Where the packages know only /usr/lib, the loader is still looked for in /lib.
	[ -e "$place/tree/lib" ] || ln -s usr/lib "$place/tree/lib"
	rm -rf "$place/cache"
	echo "$ARM64_PACKAGES" >"$place/complete"
}

build_aarch64() {
	local root cross=$PYSPYC_CACHE/arm64/meson.cross
	root=$(readlink -f "$PYSPYC_CACHE/arm64/tree")
	# Rewritten only when it changes: meson configures again after every new date.
	sed "s|@SYSROOT@|$root|g" tools/aarch64.cross >"$cross.new"
	if cmp -s "$cross.new" "$cross"; then rm "$cross.new"; else mv "$cross.new" "$cross"; fi
	configure build-aarch64 --cross-file "$cross" --buildtype=release -Db_lto=true -Dwerror=true
	compile build-aarch64 tests
}
