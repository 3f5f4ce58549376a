"""Runs the measurements in bench/measure_*.py and writes bench/RESULTS.md.

usage: run.py [--quick] [--output FILE] [NAME…]
       (through ./dev bench, which builds, installs the peers, and has tests/live in PYTHONPATH)

A measurement is a module with a TITLE and cases(context), which yields functions that give one
table.Row or several; its docstring stands above its table. Everything in RESULTS.md comes from one
run on one machine: figures of different runs are not mixed, so naming some measurements rewrites
the file too. --quick measures shortly, to see that all works: its figures mean little, and go to a
file only with --output.

Environment: PYSPYC names the program; PYSPYC_BENCH_SAMPLES how many samples are judged one by one
(1,000,000); PYSPYC_BENCH_PYTHONS the CPythons to look at, such as "3.12 3.15".
"""

import argparse
import contextlib
import datetime
import importlib
import importlib.metadata
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import table
from kit import pythons
from kit.spy import Spy
from kit.target import Place, Target
from peers import BENCH, PROBLEMS, Austin, PySpy, Pyspyc, Tachyon, in_words

NAMESPACE = "PYSPYC_BENCH_NAMESPACE"
ABOUT = """Figures are medians, with the least and the greatest; the profilers took turns in every
round. A peer's column says why where it cannot look at such a program. What must be is the
project's own aim."""


class Context(contextlib.ExitStack):
    """What a measurement works with: interpreters, targets, pyspyc, the peers."""

    def __init__(self, quick=False):
        super().__init__()
        self.quick = quick
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pyspyc-bench-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.places = {}
        self.known = {python.id: python for python in pythons.discover()}
        roots = sorted({python.root for python in self.known.values() if python.root})
        self.spy = Pyspyc(self.folder, Spy(self.folder).path)
        self.pyspy = PySpy(self.folder)
        self.austin = Austin(self.folder, roots[0] if roots else None)
        self.tachyon = Tachyon(self.folder, self.known.get("3.15"))
        self.peers = (self.pyspy, self.austin, self.tachyon)
        self.samples = int(os.environ.get("PYSPYC_BENCH_SAMPLES") or (20000 if quick else 1000000))

    def either(self, usual, quick):
        return quick if self.quick else usual

    def pythons(self, *names):
        """Those of them that are there, or all of PYSPYC_BENCH_PYTHONS among them."""
        chosen = os.environ.get("PYSPYC_BENCH_PYTHONS", "").split() or names
        return [self.known[name] for name in names
                if name in chosen and name in self.known and not self.known[name].missing]

    def missing(self):
        return [name for name, python in self.known.items() if python.missing]

    def present(self, python):
        """(the peers that can look at a program of this Python, {name: why not} of the others)."""
        reasons = {peer.name: peer.absent(python) for peer in self.peers}
        return ([peer for peer in self.peers if not reasons[peer.name]],
                {name: reason for name, reason in reasons.items() if reason})

    def place(self, python):
        if python.root not in self.places:
            place = self.places[python.root] = Place(python.root)
            self.callback(place.remove)
            for path in sorted((BENCH / "targets").glob("*.py")):
                place.put(path.name, path.read_text(encoding="utf-8"))
        return self.places[python.root]

    @contextlib.contextmanager
    def target(self, python, name, *arguments):
        """A program of tests/targets or bench/targets, running and ready."""
        place = self.place(python)
        target = Target([*python.command, place.path(name), *map(str, arguments)])
        target.python, target.place = python, place
        try:
            target.ready()
            yield target
        finally:
            target.stop()


def own_namespace():
    """Peers that run in a chroot need /proc there. It is mounted for this run alone, in a mount
    namespace of its own, which ends with it."""
    if NAMESPACE in os.environ or os.geteuid() != 0 or not shutil.which("unshare"):
        return
    roots = sorted({python.root for python in pythons.discover() if python.root})
    if not roots or os.path.ismount(roots[0] + "/proc"):
        return
    os.environ[NAMESPACE] = "1"
    script = "".join("mount --bind /proc '%s/proc' && " % root for root in roots) + 'exec "$@"'
    probe = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", "true"], check=False,
                           stderr=subprocess.DEVNULL)
    if probe.returncode == 0:
        os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable,
                              *sys.argv])


def processor():
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def measure(name, context, parts, save):
    """Adds (title, words, rows) of a measurement to parts, and saves them with each row that is
    there. What cannot be measured is a row that is behind."""
    module = importlib.import_module("measure_" + name)
    rows = []
    parts.append((module.TITLE, " ".join(module.__doc__.split()), rows))
    print("== %s: %s" % (name, module.TITLE), flush=True)
    begin = time.monotonic()
    for case in module.cases(context):
        try:
            found = case()
        except PROBLEMS as error:
            what = " ".join(str(word.id if hasattr(word, "id") else word) for word in case.args[1:])
            found = table.Row("%s: %s" % (module.TITLE, what), "", "", "failed", {},
                              table.Verdict(table.BEHIND, "failed: " + in_words(error)))
        for row in found if isinstance(found, list) else [found]:
            if not rows or rows[-1].columns != row.columns:
                print("\n".join(table.head(row.columns)))
            rows.append(row)
            print(row.line(), flush=True)
        save(False)
    print("   %.0f s" % (time.monotonic() - begin), flush=True)


def head(context, arguments, load, ended):
    found = [python for python in context.known.values() if not python.missing]
    lines = ["# Measured figures", "",
             "Written by `./dev bench%s` on %s (%.0f minutes%s)." % (
                 "".join(" " + word for word in arguments), datetime.date.today().isoformat(),
                 (time.monotonic() - context.begin) / 60,
                 "" if ended else "; stopped before its end, rows are missing"), "",
             "- %s, %d cores, Linux %s; load when it began %.2f" % (
                 processor(), os.cpu_count() or 1, platform.release(), load)]
    lines += ["- " + profiler.version() for profiler in (context.spy, *context.peers)]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        lines.append("- memory_profiler " + importlib.metadata.version("memory_profiler"))
    lines += ["- CPython " + ", ".join("%s (%s)" % (python.id, python.full_version)
                                       for python in found)]
    if context.missing():
        lines += ["- not here: CPython " + ", ".join(context.missing())]
    return [*lines, "", ABOUT]


def main():
    own_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that runs is stopped
    # Started in the background it may be ignored, and then the profilers would not heed it either.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    known = sorted(path.stem[len("measure_"):] for path in BENCH.glob("measure_*.py"))
    parser = argparse.ArgumentParser(prog="./dev bench", description="pyspyc and its peers, side by side")
    parser.add_argument("--quick", action="store_true", help="short runs, to see that all works")
    parser.add_argument("--output", type=pathlib.Path, help="file to write instead of bench/RESULTS.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help="one of: " + ", ".join(known))
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in known:
            parser.error("no measurement '%s': %s" % (name, ", ".join(known)))
    output = chosen.output or (None if chosen.quick else BENCH / "RESULTS.md")
    load = os.getloadavg()[0]
    with Context(chosen.quick) as context:
        context.begin = time.monotonic()
        parts = []

        def save(ended):
            if output:
                lines = head(context, sys.argv[1:], load, ended) + table.markdown(parts)
                output.write_text("\n".join(lines) + "\n", encoding="utf-8")

        for name in chosen.names or known:
            measure(name, context, parts, save)
        save(True)
    if output:
        print(output)
    behind = [row for _, _, rows in parts for row in rows if row.verdict.state == table.BEHIND]
    print("%d rows, %d behind" % (sum(len(rows) for _, _, rows in parts), len(behind)))


if __name__ == "__main__":
    main()
