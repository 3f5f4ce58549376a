"""Runs the measurements in bench/measure_*.py and writes bench/RESULTS.md.

usage: run.py [NAME…]      (through ./dev bench, which builds and installs the peers first)

A measurement is a module with TITLE, HEADER (the table's columns) and rows(context), which
yields one tuple of cells a row. Everything in RESULTS.md comes from one run on one machine:
figures of different runs are not mixed, so naming some measurements rewrites the file too.
"""

import contextlib
import datetime
import importlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH), str(BENCH.parent / "tests" / "live")]

from kit import pythons  # noqa: E402
from kit.spy import Spy  # noqa: E402
from kit.target import Place, Target  # noqa: E402


class Context(contextlib.ExitStack):
    """What a measurement works with: interpreters, targets, pyspyc, the peers."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pyspyc-bench-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.spy = Spy(self.folder)
        self.callback(self.spy.stop)
        self.places = {}
        self.pyspy = shutil.which("py-spy")

    def pythons(self):
        return [python for python in pythons.discover() if not python.missing]

    @contextlib.contextmanager
    def target(self, python, name, *arguments):
        """A program of tests/targets, running and ready."""
        if python.root not in self.places:
            self.places[python.root] = Place(python.root)
            self.callback(self.places[python.root].remove)
        target = Target([*python.command, self.places[python.root].path(name),
                         *map(str, arguments)])
        try:
            target.ready()
            yield target
        finally:
            target.stop()


def processor():
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def version_of(program):
    if not program:
        return "absent"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def measure(module, context, out):
    out.append("\n## %s\n" % module.TITLE)
    out.append("%s\n" % " ".join(module.__doc__.split()))
    out.append("| " + " | ".join(module.HEADER) + " |")
    out.append("|" + "---|" * len(module.HEADER))
    for row in module.rows(context):
        line = "| " + " | ".join(str(cell) for cell in row) + " |"
        print(line, flush=True)
        out.append(line)


def main():
    known = sorted(path.stem[len("measure_"):] for path in BENCH.glob("measure_*.py"))
    names = sys.argv[1:] or known
    for name in names:
        if name not in known:
            sys.exit("bench: no measurement '%s': %s" % (name, ", ".join(known)))
    with Context() as context:
        out = ["# Measured figures", "",
               "Written by `./dev bench%s` on %s. %s, %d cores, Linux %s. %s; %s." % (
                   "".join(" " + name for name in sys.argv[1:]),
                   datetime.date.today().isoformat(), processor(), os.cpu_count() or 1,
                   platform.release(), version_of(context.spy.path), version_of(context.pyspy))]
        for name in names:
            print("== " + name, flush=True)
            measure(importlib.import_module("measure_" + name), context, out)
    (BENCH / "RESULTS.md").write_text("\n".join(out) + "\n", encoding="utf-8")
    print("bench/RESULTS.md")


if __name__ == "__main__":
    main()
