# shellcheck shell=bash
# What the parts of ./dev share: the cache, messages, packages.

export PYSPYC_CACHE=${PYSPYC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pyspyc}
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
JOBS=$(nproc 2>/dev/null || echo 2)
export JOBS

say() {
	printf '== %s\n' "$*"
}

die() {
	printf 'dev: %s\n' "$*" >&2
	exit 1
}

# The distribution's Python where there is one: a virtual environment made from it keeps working.
system_python() {
	if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root, and there is no sudo to run: $*"
	fi
}

# The C files of the project; find's further arguments may follow.
c_files() {
	find src include tests examples -name '*.[ch]' -not -path '*/corpus/*' "$@"
}

# The version of clang's own runtime package follows clang's.
clang_runtime_package() {
	local major
	major=$(clang --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p' | head -n 1)
	if [ -n "$major" ]; then echo "libclang-rt-$major-dev"; else echo libclang-rt-dev; fi
}

# One line per need of a purpose: how to see that it is there, and the package that has it.
#   command NAME | module PKG-CONFIG-NAME | file PATH | python MODULE
needs_of() {
	case $1 in
	build)
		cat <<'END'
command gcc gcc
file /usr/include/stdlib.h libc6-dev
command meson meson
command ninja ninja-build
command make make
command pkg-config pkg-config
command python3 python3
module libelf libelf-dev
module libdw libdw-dev
module zlib zlib1g-dev
module jansson libjansson-dev
module ncursesw libncurses-dev
END
		;;
	unit)
		echo module cmocka libcmocka-dev
		echo command nm binutils
		;;
	venv)
		echo python ensurepip python3-venv
		;;
	fuzz)
		echo command clang clang
		;;
	checks)
		# The last three: what libdw names for a static link.
		cat <<'END'
command g++ g++
command nm binutils
file /usr/include/bzlib.h libbz2-dev
file /usr/include/lzma.h liblzma-dev
file /usr/include/zstd.h libzstd-dev
END
		;;
	live)
		cat <<'END'
command strip binutils
command setpriv util-linux
command gdb gdb
command strace strace
command mandoc mandoc
command fish fish
command tmux tmux
command zsh zsh
command uwsgi uwsgi
file /usr/lib/uwsgi/plugins/python3_plugin.so uwsgi-plugin-python3
file /usr/bin/python3-config python3-dev
END
		;;
	browser)
		echo command chromium chromium
		echo command chromedriver chromium-driver
		echo command node nodejs
		echo command npm npm
		;;
	pythons)
		cat <<'END'
command python3 python3
command debootstrap debootstrap
command python3-dbg python3-dbg
command make make
command gcc gcc
command xz xz-utils
END
		;;
	aarch64)
		echo command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
		echo file /usr/aarch64-linux-gnu/lib/libc.so.6 libc6-dev-arm64-cross
		echo command qemu-aarch64-static qemu-user-static
		;;
	lint)
		cat <<'END'
command clang-format clang-format
command clang-tidy clang-tidy
command codespell codespell
command shellcheck shellcheck
command mandoc mandoc
END
		;;
	esac
}

is_there() {
	case $1 in
	command) command -v "$2" >/dev/null ;;
	module) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
	file) [ -e "$2" ] ;;
	python) "$(system_python)" -c "import $2" 2>/dev/null ;;
	esac
}

# Installs what is missing for the purposes named, with apt, in one go. What apt does not have
# is left to the stage that needs it, which then says so.
need_for() {
	local purpose kind what package
	local -a missing=()
	for purpose in "$@"; do
		while read -r kind what package; do
			[ -n "$kind" ] || continue
			is_there "$kind" "$what" || missing+=("$package")
		done < <(needs_of "$purpose")
	done
	install_packages "${missing[@]}"
}

install_packages() {
	local package
	local -a wanted=()
	[ $# -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		say "missing here, and there is no apt to install it: $*"
		return 0
	fi
	say "installing: $*"
	as_root apt-get update -q >/dev/null || say "apt-get update had errors; going on"
	for package in "$@"; do
		if [ -n "$(apt-cache policy "$package" 2>/dev/null |
			sed -n '/Candidate: (none)/d; /Candidate:/p')" ]; then
			wanted+=("$package")
		else
			say "apt has no package $package"
		fi
	done
	[ ${#wanted[@]} -gt 0 ] || return 0
	if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends "${wanted[@]}" >/tmp/pyspyc-apt.$$ 2>&1; then
		tail -n 20 /tmp/pyspyc-apt.$$ >&2
		rm -f /tmp/pyspyc-apt.$$
		say "apt-get install failed; going on without"
		return 0
	fi
	rm -f /tmp/pyspyc-apt.$$
}

# One program, or a word about the package that has it.
need() {
	command -v "$1" >/dev/null || install_packages "${2:-$1}"
	command -v "$1" >/dev/null || die "$1 is needed"
}

# venv NAME REQUIREMENTS-FILE: a virtual environment in the cache that holds them; sets VENV.
venv() {
	local stamp
	VENV=$PYSPYC_CACHE/$1
	stamp=$(cksum <"$2")
	if [ -x "$VENV/bin/python" ] && [ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$stamp" ]; then
		return 0
	fi
	need_for venv
	say "making a virtual environment in $VENV"
	mkdir -p "$PYSPYC_CACHE"
	"$(system_python)" -m venv --clear "$VENV" || return 1
	"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2" || return 1
	echo "$stamp" >"$VENV/.stamp"
}
