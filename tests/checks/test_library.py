"""libpyspyc as another program meets it: its exports, its headers, its pkg-config file."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, c_files
from test_structure import without_comments

PUBLIC_HEADERS = sorted(path.name for path in (ROOT / "include/pyspyc").glob("*.h"))
INTERNAL_HEADERS = [str(name) for name in c_files("src") if name.suffix == ".h"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]

CLIENT = """
#include <pyspyc/pyspyc.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct pyspyc_error err;
	struct pyspyc_snapshot *snapshot = NULL;

	/* This process is no Python: an error is the right answer, and it has words. */
	if (pyspyc_snapshot_take(getpid(), NULL, &snapshot, &err) == 0 || !err.message[0])
		return 1;
	puts(pyspyc_version());
	return 0;
}
"""


def run(*command, **keywords):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **keywords)
    assert done.returncode == 0, "%s\n%s%s" % (command, done.stdout, done.stderr)
    return done.stdout


def shared_library(build):
    return build / "src" / "libpyspyc.so"


def listed_exports():
    text = (ROOT / "src/lib/pyspyc.sym").read_text()
    return set(re.findall(r"^\s*(\w+);", text.split("local:")[0], re.M))


def declared_functions():
    found = set()
    for name in PUBLIC_HEADERS:
        text = without_comments((ROOT / "include/pyspyc" / name).read_text())
        text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
        text = re.sub(r"\btypedef\b[^;]*;", "", text)
        found |= set(re.findall(r"\b(pyspyc_\w+)\s*\([^;{]*\)[^;{]*;", text))
    return found


def test_exports_are_the_listed_ones(build):
    lines = run("nm", "-D", "--defined-only", shared_library(build)).splitlines()
    names = {line.split()[2].split("@")[0] for line in lines if line.split()[1] != "A"}
    assert names == listed_exports()


def test_exports_are_the_declared_ones():
    assert listed_exports() == declared_functions()


def test_the_library_keeps_no_state(build):
    """Outside cli/ nothing lives in writable static storage."""
    ours = re.compile(r"\s\.(?:data|bss|tdata|tbss)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$")
    table = run("objdump", "-t", shared_library(build))
    assert "*UND*" in table, "the library has a symbol table"
    kept = {match.group(1) for match in map(ours.search, table.splitlines()) if match}
    kept -= {".data", ".bss", "__dso_handle", "__TMC_END__", "completed.0", "_edata", "_end",
             "__bss_start"}
    assert kept == set()


@pytest.mark.parametrize("header", PUBLIC_HEADERS)
def test_public_header_compiles_alone(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text("#include <pyspyc/%s>\n#include <pyspyc/%s>\n" % (header, header))
    run("cc", "-std=c11", "-pedantic", *WARNINGS, "-fsyntax-only", "-I", ROOT / "include", source)


@pytest.mark.parametrize("header", PUBLIC_HEADERS)
def test_public_header_compiles_as_cxx(header, tmp_path):
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    source = tmp_path / "alone.cc"
    source.write_text("#include <pyspyc/%s>\n" % header)
    run("g++", "-std=c++11", "-pedantic", *WARNINGS, "-fsyntax-only", "-I", ROOT / "include", source)


@pytest.mark.parametrize("header", INTERNAL_HEADERS)
def test_internal_header_compiles_alone(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text('#include "%s"\n' % header.split("/", 1)[1])
    run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wno-unused-function", *WARNINGS, "-Wno-unused-parameter",
        "-fsyntax-only", "-I", ROOT / "include", "-I", ROOT / "src", source)


def test_every_public_header_is_installed(installed):
    names = sorted(path.name for path in (installed / "include/pyspyc").iterdir())
    assert names == PUBLIC_HEADERS
    umbrella = (ROOT / "include/pyspyc/pyspyc.h").read_text()
    missing = [name for name in PUBLIC_HEADERS if name != "pyspyc.h"
               and "pyspyc/%s" % name not in umbrella]
    assert not missing, "pyspyc.h does not include them"


def pkg_config(installed, *words):
    folder = next(installed.rglob("pyspyc.pc")).parent
    environment = dict(os.environ, PKG_CONFIG_PATH=str(folder))
    return run("pkg-config", "--define-variable=prefix=%s" % installed, *words, "pyspyc",
               env=environment).split()


def client(installed, tmp_path, flags):
    source = tmp_path / "client.c"
    source.write_text(CLIENT)
    program = tmp_path / "client"
    run("cc", "-o", program, source, *pkg_config(installed, "--cflags"), *flags)
    libraries = next(installed.rglob("libpyspyc.so")).parent
    said = run(program, env=dict(os.environ, LD_LIBRARY_PATH=str(libraries))).strip()
    assert said == pkg_config(installed, "--modversion")[0]
    return run("readelf", "-d", program)


def test_client_of_the_shared_library(installed, tmp_path):
    dynamic = client(installed, tmp_path, pkg_config(installed, "--libs"))
    assert "[libpyspyc.so.0]" in dynamic


def test_client_of_the_static_library(installed, tmp_path):
    flags = ["-l:libpyspyc.a" if flag == "-lpyspyc" else flag
             for flag in pkg_config(installed, "--static", "--libs")]
    dynamic = client(installed, tmp_path, flags)
    assert "libpyspyc" not in dynamic
    assert "libelf" in dynamic


def test_installed_program_runs(installed):
    said = run(installed / "bin" / "pyspyc", "--version")
    assert pkg_config(installed, "--modversion")[0] in said


def test_every_test_file_is_built(build):
    """Meson learns the files by pattern when it is configured; none may be left behind."""
    tests = re.findall(r'"name": "((?:test|fuzz)_\w+)"', run("meson", "introspect", "--tests", build))
    files = {path.stem for path in (ROOT / "tests/unit").glob("test_*.c")}
    assert files and files <= set(tests)
