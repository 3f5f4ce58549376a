#!/usr/bin/env python3
"""The CPythons that the tests run against: finds them, and installs what is missing.

Looked for, in this order: pyenv's versions; the system's python3 and its debug build; a Debian
"forky" tree (3.14, 3.15, their debug builds, PyPy), whose programs are run with chroot; and
free-threaded builds made here from Debian's source package. What is installed goes to
$PYSPYC_CACHE, by default ${XDG_CACHE_HOME:-~/.cache}/pyspyc:

    forky/                      the Debian tree
    cpython/3.13t/              free-threaded, prefix of `make install`
    dbg/                        unpacked debug packages (interpreters, headers, debug info)
    numpy/3.12/                 NumPy for one of pyenv's, a folder for PYTHONPATH

Nothing that is already there is touched. Python 3.9 and newer, standard library only.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

WANTED = ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15",
          "system", "system-debug", "3.13t", "3.13d", "3.14d", "3.15d", "pypy"]
CHROOT_RELEASES = ["3.14", "3.15"]
DEBUG_BUILDS = ["3.13", "3.14", "3.15"]
FREE_THREADED = ["3.13"]
NUMPY = ["3.10", "3.12", "3.13"]
QUICK_PROBE = "import sys; sys.stdout.write(' '.join(map(str, sys.version_info[:3])))"
APT = ["apt-get", "-o", "Acquire::Check-Valid-Until=false", "-q", "-y"]
QUIET_ENV = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")


class Missing(Exception):
    """Why an interpreter cannot be had here."""


def cache_dir():
    named = os.environ.get("PYSPYC_CACHE")
    if named:
        return pathlib.Path(named).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base, "pyspyc").resolve()


CACHE = cache_dir()
FORKY = CACHE / "forky"


def say(text):
    print("pythons: " + text, file=sys.stderr, flush=True)


def run(command, **keywords):
    """Runs a command of the installation; its output goes to a log, its tail to the error."""
    log = CACHE / "install.log"
    with open(log, "ab") as out:
        out.write(("\n$ " + " ".join(map(str, command)) + "\n").encode())
        out.flush()
        start = out.tell()
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, check=False, env=QUIET_ENV, **keywords)
    if done.returncode != 0:
        with open(log, "rb") as written:
            written.seek(start)
            lines = written.read().decode(errors="replace").strip().splitlines()
        raise Missing("%s failed: %s (see %s)" % (command[0], lines[-1] if lines else "no output", log))


# ---- finding -------------------------------------------------------------------------------

def version_of(command):
    """'3.14.8', or None when the program is not there or does not run."""
    try:
        done = subprocess.run(command + ["-c", QUICK_PROBE], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.decode(errors="replace").split()
    return ".".join(words) if done.returncode == 0 and len(words) == 3 else None


def is_static(path, root=None):
    """True unless the file names a libpython among its dynamic libraries."""
    path = pathlib.Path(path)
    if root is not None:
        for _ in range(8):   # links inside the tree are relative to the tree
            if not path.is_symlink():
                break
            target = os.readlink(path)
            path = root / target[1:] if target.startswith("/") else path.parent / target
    try:
        head = path.resolve().read_bytes()
    except OSError:
        return True
    return re.search(rb"\0libpython\d[\w.]*\.so", head) is None


def record(name, kind, command, path, root=None):
    version = version_of(command)
    if version is None:
        return None
    return {"id": name, "version": version, "kind": kind, "command": command,
            "root": str(root) if root else None, "static": is_static(path, root),
            "numpy": None if root else numpy_of(name)}


def numpy_of(name):
    """The folder that has NumPy for an interpreter; None: there is none."""
    folder = CACHE / "numpy" / name
    return str(folder) if (folder / "numpy").is_dir() else None


def can_chroot():
    return os.geteuid() == 0 and shutil.which("chroot") is not None


def newest(versions):
    return max(versions, key=lambda v: tuple(int(n) for n in v.name.split(".")))


def find_pyenv():
    root = pathlib.Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")) / "versions"
    groups = {}
    for folder in root.glob("*"):
        match = re.fullmatch(r"(\d+\.\d+)\.\d+", folder.name)
        if match:
            groups.setdefault(match.group(1), []).append(folder)
    for name, folders in groups.items():
        path = newest(folders) / "bin" / ("python" + name)
        yield record(name, "release", [str(path)], path)


def find_system():
    path = pathlib.Path("/usr/bin/python3")
    if path.exists():
        path = path.resolve()
        yield record("system", "system", [str(path)], path)
    path = pathlib.Path("/usr/bin/python3-dbg")
    if path.exists():
        path = path.resolve()
        yield record("system-debug", "debug", [str(path)], path)


def find_forky():
    if not can_chroot():
        return
    names = [(v, "release", "python" + v) for v in CHROOT_RELEASES]
    names += [(v + "d", "debug", "python%sd" % v) for v in DEBUG_BUILDS]
    names += [("pypy", "pypy", "pypy3")]
    for name, kind, program in names:
        path = FORKY / "usr" / "bin" / program
        if os.path.lexists(path):
            yield record(name, kind, ["chroot", str(FORKY), program], path, FORKY)


def find_built():
    for folder in sorted((CACHE / "cpython").glob("*t")):
        path = folder / "bin" / ("python" + folder.name)
        if path.exists():
            yield record(folder.name, "freethreaded", [str(path)], path)


def find_all():
    """Records by id; the first place that has an id wins."""
    found = {}
    for finder in (find_pyenv, find_system, find_forky, find_built):
        for item in finder():
            if item:
                found.setdefault(item["id"], item)
    order = {name: place for place, name in enumerate(WANTED)}
    return dict(sorted(found.items(), key=lambda pair: (order.get(pair[0], 99), pair[0])))


# ---- installing ----------------------------------------------------------------------------

def need_root():
    if not can_chroot():
        raise Missing("it needs root (the Debian tree is entered with chroot)")


@contextlib.contextmanager
def proc_bound():
    """/proc inside the tree while packages are installed; gone again afterwards."""
    bound = subprocess.run(["mount", "--bind", "/proc", str(FORKY / "proc")], check=False,
                           stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield
    finally:
        if bound:
            subprocess.run(["umount", str(FORKY / "proc")], check=False)


def in_forky(*command):
    with proc_bound():
        run(["chroot", FORKY, *command])


def ensure_forky():
    if (FORKY / "usr/bin/python3.15").exists():
        return
    need_root()
    if shutil.which("debootstrap") is None:
        raise Missing("debootstrap is not installed")
    say("making a Debian forky tree with 3.14 and 3.15 in %s (about 30 s)" % FORKY)
    fresh = CACHE / "forky.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    command = ["debootstrap", "--variant=minbase",
               "--include=" + ",".join("python" + v for v in CHROOT_RELEASES), "forky", fresh]
    mirror = os.environ.get("PYSPYC_DEBIAN_MIRROR") or debian_mirror()
    if mirror:
        command += [mirror]
        command += ["/usr/share/debootstrap/scripts/sid"]
    elif not pathlib.Path("/usr/share/debootstrap/scripts/forky").exists():
        raise Missing("debootstrap does not know forky; name a mirror in PYSPYC_DEBIAN_MIRROR")
    run(command)
    sources = fresh / "etc/apt/sources.list"
    text = sources.read_text()
    if "deb-src" not in text:
        sources.write_text(text + re.sub(r"(?m)^deb ", "deb-src ", text))
    fresh.rename(FORKY)


def debian_mirror():
    """The mirror that debootstrap itself would use, so that its newest script can be named."""
    script = pathlib.Path("/usr/share/debootstrap/functions")
    program = pathlib.Path(shutil.which("debootstrap") or "/nonexistent")
    for path in (program, script):
        try:
            match = re.search(r"(?m)^\s*DEF_MIRROR=[\"']?(\S+?)[\"']?\s*$", path.read_text())
        except OSError:
            continue
        if match:
            return match.group(1)
    return None


def fetch_packages(names, into):
    """Downloads packages of the Debian tree (never installs them) and unpacks them."""
    place = FORKY / "tmp" / "pyspyc-debs"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    in_forky(*APT, "update")
    with proc_bound():
        run(["chroot", FORKY, "sh", "-c", "cd /tmp/pyspyc-debs && " +
             " ".join(APT + ["download"] + names)])
    for package in sorted(place.glob("*.deb")):
        run(["dpkg-deb", "-x", package, into])
    shutil.rmtree(place)


def ensure_debug(version):
    """The debug build from the -dbg packages, without their debug files beside the release."""
    need_root()
    ensure_forky()
    unpacked = CACHE / "dbg"
    program = "python%sd" % version
    if not (unpacked / "usr/bin" / program).exists():
        say("fetching the debug build of %s" % version)
        unpacked.mkdir(exist_ok=True)
        fetch_packages(["python%s-dbg" % version, "libpython%s-dbg" % version,
                        "libpython%s-dev" % version], unpacked)
    if not (FORKY / "usr/lib" / ("python" + version)).exists():
        in_forky(*APT, "update")
        in_forky(*APT, "install", "--no-install-recommends", "libpython%s-stdlib" % version)
    # Only what the program needs: debug files beside the release build would help it.
    library = pathlib.Path("usr/lib") / ("python" + version)
    for pattern in ("lib-dynload/*-%sd-*.so" % version.replace(".", ""), "_sysconfig*_d_*"):
        for found in (unpacked / library).glob(pattern):
            shutil.copy2(found, FORKY / found.relative_to(unpacked))
    shutil.copy2(unpacked / "usr/bin" / program, FORKY / "usr/bin" / program)


def ensure_pypy():
    need_root()
    ensure_forky()
    say("installing PyPy in %s" % FORKY)
    in_forky(*APT, "update")
    in_forky(*APT, "install", "--no-install-recommends", "pypy3")


def ensure_free_threaded(version):
    need_root()
    ensure_forky()
    if shutil.which("make") is None or shutil.which("gcc") is None:
        raise Missing("a C compiler and make are needed")
    prefix = CACHE / "cpython" / (version + "t")
    sources = CACHE / "src"
    sources.mkdir(exist_ok=True)
    package = "python" + version
    place = FORKY / "tmp" / "pyspyc-source"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    say("building free-threaded %s (about 5 minutes)" % version)
    in_forky(*APT, "update")
    with proc_bound():
        run(["chroot", FORKY, "sh", "-c", "cd /tmp/pyspyc-source && " +
             " ".join(APT + ["source", "--download-only", package])])
    tarball = next(place.glob(package + "_*.orig.tar.*"))
    folder = sources / ("build-%st" % version)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run(["tar", "-xf", tarball, "-C", folder, "--strip-components=1"])
    shutil.rmtree(place)
    staged = CACHE / "cpython" / ("." + version + "t.new")
    shutil.rmtree(staged, ignore_errors=True)
    run(["./configure", "--disable-gil", "--without-ensurepip", "--disable-test-modules",
         "--prefix=%s" % prefix, "CFLAGS=-O1"], cwd=folder)
    run(["make", "-j%d" % (os.cpu_count() or 1)], cwd=folder)
    run(["make", "install", "DESTDIR=%s" % staged], cwd=folder)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(prefix, ignore_errors=True)
    os.rename(str(staged) + str(prefix), prefix)
    shutil.rmtree(staged)
    shutil.rmtree(folder)


def ensure_numpy(item):
    folder = CACHE / "numpy" / item["id"]
    staged = CACHE / "numpy" / ("." + item["id"] + ".new")
    shutil.rmtree(staged, ignore_errors=True)
    say("installing NumPy for %s" % item["id"])
    run(item["command"] + ["-m", "pip", "install", "--disable-pip-version-check", "--target",
                           staged, "numpy"])
    shutil.rmtree(folder, ignore_errors=True)
    staged.rename(folder)


def install_numpy(found):
    for name in NUMPY:
        if name in found and not found[name]["numpy"] and found[name]["kind"] == "release":
            try:
                ensure_numpy(found[name])
            except (Missing, OSError) as error:
                say("no NumPy for %s: %s" % (name, error))


def installer_of(name):
    if name in CHROOT_RELEASES:
        return lambda: (need_root(), ensure_forky())
    if name.endswith("d") and name[:-1] in DEBUG_BUILDS:
        return lambda: ensure_debug(name[:-1])
    if name.endswith("t") and name[:-1] in FREE_THREADED:
        return lambda: ensure_free_threaded(name[:-1])
    return {"pypy": ensure_pypy}.get(name)


def why_missing(name):
    """What a person can do about an interpreter that this script does not install."""
    if name == "system":
        return "no /usr/bin/python3"
    if name == "system-debug":
        return "no /usr/bin/python3-dbg (package python3-dbg)"
    if installer_of(name) is None:
        return "not among pyenv's versions (pyenv install %s)" % name
    return "not installed (./dev pythons)"


def install_missing(found):
    """Installs what can be installed; returns {id: reason} of what could not."""
    failed = {}
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)   # two test runs must not install at once
        for name in WANTED:
            installer = installer_of(name)
            if name in found or installer is None:
                continue
            try:
                installer()
            except (Missing, OSError, StopIteration) as error:
                failed[name] = str(error) or type(error).__name__
        install_numpy(find_all())
    return failed


def show(found, missing):
    for item in found.values():
        print("%-13s %-9s %-13s %-8s %s" % (item["id"], item["version"], item["kind"],
                                            "static" if item["static"] else "shared",
                                            " ".join(item["command"])))
    for name, reason in missing.items():
        print("%-13s missing: %s" % (name, reason))


def main():
    parser = argparse.ArgumentParser(description="The CPythons that the tests use.")
    parser.add_argument("--json", action="store_true", help="records of what is present")
    parser.add_argument("--missing", action="store_true", help="`id: reason` of what is not")
    parser.add_argument("--no-install", action="store_true", help="look only")
    options = parser.parse_args()
    looking = options.no_install or options.json or options.missing
    found = find_all()
    failed = {}
    if not looking and (any(name not in found for name in WANTED) or
                        any(not found[name]["numpy"] for name in NUMPY if name in found)):
        failed = install_missing(found)
        found = find_all()
    missing = {name: failed.get(name) or why_missing(name) for name in WANTED if name not in found}
    if options.json:
        print(json.dumps(list(found.values()), indent=1))
    elif options.missing:
        for name, reason in missing.items():
            print("%s: %s" % (name, reason))
    else:
        show(found, missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
