"""The rows of layouts.in against every interpreter at hand: its memory, its headers, its DWARF."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from kit.pythons import REPOSITORY
from kit.target import TARGETS

pytestmark = pytest.mark.case("layouts")

TOOL = REPOSITORY / "tools" / "gen-layouts"
CROSS = "aarch64-linux-gnu-gcc"
CACHE = pathlib.Path(os.environ.get("PYSPYC_CACHE") or pathlib.Path(
    os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "pyspyc"))


def load_tool():
    loader = importlib.machinery.SourceFileLoader("gen_layouts", str(TOOL))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tool():
    return load_tool()


def build_of(python):
    return "t" * python.free_threaded + "d" * python.debug


def defines_of(python):
    return (["--define", "Py_GIL_DISABLED"] * python.free_threaded
            + ["--define", "Py_DEBUG"] * python.debug)


def headers_of(python):
    """The folder of its headers; of packages unpacked beside the root directory, too."""
    name = "python%d.%d%s" % (python.version + ("d" * python.debug,))
    for folder in (pathlib.Path(python.root + python.facts["include"]),
                   CACHE / "dbg" / "usr" / "include" / name):
        if (folder / "internal").is_dir() or (folder / "frameobject.h").is_file():
            return folder
    pytest.skip("%s: its headers are not installed" % python.id)


def has_dwarf(path):
    if not path.is_file():
        return False
    listed = subprocess.run(["readelf", "-S", "-W", str(path)], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False)
    return b" .debug_info" in listed.stdout


def build_id(path):
    listed = subprocess.run(["readelf", "-n", str(path)], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False).stdout.decode()
    return listed.partition("Build ID: ")[2].split("\n")[0] or "none"


def debug_info_of(python):
    binary = pathlib.Path(python.root + python.executable)
    if python.facts["shared"]:
        binary = pathlib.Path(python.root + python.facts["libdir"], python.facts["soname"])
    number = build_id(binary)
    for root in (CACHE / "dbg", pathlib.Path("/")):
        separate = root / "usr/lib/debug/.build-id" / number[:2] / (number[2:] + ".debug")
        if has_dwarf(separate):
            return separate
    return binary if has_dwarf(binary) else None


def check(*arguments):
    done = subprocess.run([sys.executable, str(TOOL), "--check"] + [str(a) for a in arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=120)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def test_memory(python, tool):
    """What lies at the offsets, in the interpreter's own memory."""
    rows = tool.parse_table(tool.TABLE)
    key = tool.row_of(rows, tuple(python.facts["version"]), os.uname().machine, build_of(python))
    row = {name: int(value) for name, value in rows[key].items()
           if value.isdigit() and name not in ("frames", "lines")}
    with open(TARGETS / "layout_facts.py", "rb") as program:
        done = subprocess.run(list(python.command) + ["-", json.dumps(row)], stdin=program,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=60)
    *wrong, summary = done.stdout.decode().splitlines()
    assert done.returncode == 0 and not wrong, done.stdout.decode()
    assert int(summary.split()[0]) >= 30


def test_headers(python):
    folder = headers_of(python)
    check("--include", folder, *defines_of(python))


def test_headers_aarch64(python):
    folder = headers_of(python)
    if not shutil.which(CROSS) or not pathlib.Path("/usr/aarch64-linux-gnu/include").is_dir():
        pytest.skip("no %s with libc's headers (libc6-dev-arm64-cross)" % CROSS)
    check("--cc", CROSS, "--include", folder, *defines_of(python))


def test_debug_info(python):
    folder = headers_of(python)
    path = debug_info_of(python)
    if not path:
        pytest.skip("%s has no debug information here" % python.id)
    if not shutil.which("gdb"):
        pytest.skip("no gdb to read debug information with")
    check("--only-debug-info", "--debug-info", path, "--include", folder, *defines_of(python))


@pytest.mark.pythons(where=lambda python: not python.debug and not python.free_threaded)
def test_other_builds_of_headers(python):
    """One version's headers serve for all of its builds."""
    folder = headers_of(python)
    builds = [["Py_DEBUG"]]
    if python.version >= (3, 13):
        builds += [["Py_GIL_DISABLED"], ["Py_GIL_DISABLED", "Py_DEBUG"]]
    for build in builds:
        check("--include", folder, *[part for name in build for part in ("--define", name)])


@pytest.mark.parametrize("field, value", [("tstate_interp", "24"), ("interp_sysdict", "-")])
def test_wrong_row_is_found(tool, tmp_path, field, value):
    """The comparison itself can fail."""
    folder = pathlib.Path("/usr/include/python%d.%d" % sys.version_info[:2])
    if not (folder / "internal").is_dir():
        pytest.skip("no headers of the system's Python")
    rows = tool.parse_table(tool.TABLE)
    key = tool.row_of(rows, sys.version_info[:3], os.uname().machine, "")
    table = tmp_path / "layouts.in"
    row = dict(rows[key], **{field: value})
    table.write_text("[%s]\n" % key + "".join("%s %s\n" % item for item in row.items()))
    with pytest.raises(AssertionError, match=r"%s: the table says %s, " % (field, value)):
        check("--table", table, "--include", folder)


def test_tool_prints_the_row(tool, tmp_path):
    """What gen-layouts prints is what the table has."""
    folder = pathlib.Path("/usr/include/python%d.%d" % sys.version_info[:2])
    if not (folder / "internal").is_dir():
        pytest.skip("no headers of the system's Python")
    done = subprocess.run([sys.executable, str(TOOL), "--table", tmp_path / "none",
                           "--include", folder], stdout=subprocess.PIPE, check=True)
    printed = tmp_path / "layouts.in"
    printed.write_bytes(done.stdout)
    rows = tool.parse_table(tool.TABLE)
    for key, row in tool.parse_table(printed).items():
        assert row == rows[key]
