"""By how much each line of tests/targets/growth.py makes memory grow and shrink, in megabytes of
1024 x 1024 bytes. The truth is what the program reads of itself between its lines, in each run.
memory_profiler is built into the program and reads memory between lines as well; pyspyc
(mem -f lines) and Austin (-m, the sum of its stacks) look at it from outside, 1000 times a second.
How far off a line is, is the median over the runs; what it costs the program is the time that its
lines take, each run against the one alone of the same round. CPU is the profiler's own, while it
looks at a program that sleeps and works in turn and grows meanwhile; mprof, memory_profiler's
recorder, knows no lines there."""

import importlib.util
import linecache
import pathlib
import signal
import sys
import time
from functools import partial

import mojo
import table
from kit.memory import MEGABYTE, increments, tables
from kit.target import DEADLINE, TARGETS, Target, environment, marked, wait_until, watches_memory
from peers import Failed, attempt, plain_name
from process import Running, cpu_seconds
from table import Row, Series

TITLE = "Growth by line"
NAME = "growth.py"
GROWING = ("one", "pieces", "objects", "c", "text")
SHRINKING = ("del", "clear", "free")
COLUMNS = ("truth", "memory_profiler", "Austin")
# A line may be off by so many per cent, and cost such a part of what memory_profiler costs.
MOST_OFF, MOST_COST = 5, 0.1
# What looks at a running program is given so long to begin.
BEGIN = 1.0


def table_of(text):
    """Bytes by line, of memory_profiler's table or one like it."""
    rows, _ = tables(text)
    if NAME not in rows:
        raise Failed("no table of " + NAME)
    return increments(rows[NAME])


class Run:
    """One run of the program: its own truth, and what the profiler says."""

    def __init__(self, facts, said):
        self.truth = {int(line): size for line, size in facts["lines"].items()}
        self.seconds = facts["seconds"]
        self.said = said


def alone(context, python):
    with context.target(python, NAME) as target:
        target.resume()
        return Run(target.ready(), None)


def beside(context, python, command, read, begun=None):
    """Run with a profiler that attaches; read(out) is called when it has been interrupted."""
    with context.target(python, NAME) as target:
        words, out = command(target)
        running = Running(words, folder=context.folder)
        try:
            if begun:
                wait_until(lambda: begun(running.pid, target.pid), "it begins")
            else:
                time.sleep(BEGIN)
            target.resume()
            facts = target.ready()
            running.kill(signal.SIGINT)
            ended = running.end(DEADLINE)
            if not out.exists():
                raise Failed(ended.said)
            return Run(facts, read(out))
        finally:
            running.kill()
            out.unlink(missing_ok=True)


def mem(context, target, rate):
    out = context.spy.file(".txt")
    return [context.spy.path, "mem", "-p", target.pid, "-r", rate, "-f", "lines", "-o", out,
            "--hideprogress"], out


def pyspyc(context, python):
    return beside(context, python, lambda target: mem(context, target, 1000),
                  lambda out: table_of(out.read_text(encoding="utf-8")), watches_memory)


def by_line(out):
    """Bytes by line of the program, from Austin's stream."""
    with open(out, "rb") as stream:
        reader = mojo.read(stream, weighed=True)
    sums = {}
    for (_, stack), size in reader.samples.items():
        for line in {line for _, file, line in stack if plain_name(file) == NAME}:
            sums[line] = sums.get(line, 0) + size
    return sums


def austin_mode(context, target, rate):
    out = target.place.host / context.austin.file(".mojo").name
    return [*context.austin.program(target), "-m", "-i", round(1e6 / rate), "-p", target.pid, "-o",
            target.place.inside + "/" + out.name], out


def austin(context, python):
    return beside(context, python, lambda target: austin_mode(context, target, 1000), by_line)


def memory_profiler(context, python):
    found = importlib.util.find_spec("memory_profiler")
    if not found:
        raise Failed("memory_profiler is not installed")
    place = context.place(python)
    target = Target([*python.command, "-m", "memory_profiler", place.path(NAME)],
                    env=environment(PYTHONPATH=str(pathlib.Path(found.origin).parent)))
    try:
        target.ready(60)
        target.resume()
        facts = target.ready(60)
        target.resume()
        return Run(facts, table_of("\n".join(target.rest())))
    finally:
        target.stop()


class Rounds:
    """What all of them say of the program, in turn: runs[round][profiler]."""

    def __init__(self, context, python):
        profilers = {"alone": alone, "pyspyc": pyspyc, "memory_profiler": memory_profiler}
        reason = context.austin.absent(python)
        if not reason:
            profilers["Austin"] = austin
        self.python = python
        self.notes = {name: Series() for name in profilers}
        self.notes["Austin"] = Series(note=reason or "")
        self.runs = []
        for _ in range(context.either(5, 2)):
            runs = {}
            self.runs.append(runs)
            for name, function in profilers.items():
                attempt(self.notes[name], lambda function=function, name=name:
                        runs.setdefault(name, function(context, python)) and None)

    def series(self, name, figure):
        """figure(run) of a profiler's runs."""
        return Series([figure(runs[name]) for runs in self.runs if name in runs],
                      self.notes[name].note)

    def against(self, name):
        """How many times as long as alone, in the same round."""
        return Series([runs[name].seconds / runs["alone"].seconds for runs in self.runs
                       if name in runs and "alone" in runs], self.notes[name].note)

    def peers(self, figure):
        return {name: figure(name) for name in ("memory_profiler", "Austin")}

    def row(self, what, must, ours, peers, verdict):
        return Row(what, self.python.id, must, ours, peers, verdict, COLUMNS)


def off(run, line):
    """Per cent."""
    return 100 * abs(run.said.get(line, 0) - run.truth[line]) / abs(run.truth[line])


def line_row(rounds, mark):
    line = marked(NAME, mark)[0]
    code = linecache.getline(str(TARGETS / NAME), line).split("#")[0].strip()

    def said(name):
        found = rounds.series(name, lambda run: run.said.get(line, 0) / MEGABYTE)
        if found:
            found.note = ", ".join(filter(None, [
                "%.1f %% off" % rounds.series(name, lambda run: off(run, line)).median,
                found.note]))
        return found
    truth = rounds.series("pyspyc", lambda run: run.truth[line] / MEGABYTE)
    error = rounds.series("pyspyc", lambda run: off(run, line))
    return rounds.row("`%s`, MB" % code, "≤ %d %% off" % MOST_OFF, said("pyspyc"),
                      {**rounds.peers(said), "truth": truth},
                      table.at_most(table.median(error), MOST_OFF))


def cost_row(rounds):
    ours, theirs = rounds.against("pyspyc"), rounds.against("memory_profiler")
    limit = table.median(theirs) and MOST_COST * (table.median(theirs) - 1)
    return rounds.row("the lines take so many times as long", "≤ a tenth of memory_profiler's cost",
                      ours, {**rounds.peers(rounds.against), "truth": "1"},
                      table.at_most(ours.median - 1 if ours else None, limit))


def lines(context, python):
    rounds = Rounds(context, python)
    return [*(line_row(rounds, mark) for mark in GROWING + SHRINKING), cost_row(rounds)]


def mprof(context, target, rate):
    found = importlib.util.find_spec("mprof")
    if not found:
        raise Failed("memory_profiler is not installed")
    out = context.spy.file(".dat")
    return [sys.executable, found.origin, "attach", "-T", "%g" % (1 / rate), "-o", out,
            target.pid], out


def share(context, target, command, rate, seconds):
    """Per cent of a core that it takes, once it has begun."""
    words, out = command(context, target, rate)
    running = Running(words, folder=context.folder)
    try:
        time.sleep(BEGIN)
        begin, before = time.monotonic(), cpu_seconds(running.pid)
        time.sleep(seconds)
        found = 100 * (cpu_seconds(running.pid) - before) / (time.monotonic() - begin)
        running.kill(signal.SIGINT)
        ended = running.end(DEADLINE)
        if not out.exists():
            raise Failed(ended.said)
        return found
    finally:
        running.kill()
        out.unlink(missing_ok=True)


def cpu(context, python, rate, seconds, turns):
    commands = {"pyspyc": mem, "mprof": mprof, "Austin": austin_mode}
    found = {name: Series() for name in commands}
    reason = context.austin.absent(python)
    if reason:
        found["Austin"].note = reason
        del commands["Austin"]
    with context.target(python, "serves.py") as target:
        for _ in range(turns):
            for name, command in commands.items():
                attempt(found[name], share, context, target, command, rate, seconds)
    ours = found.pop("pyspyc")
    return Row("CPU at %d Hz, %% of a core" % rate, python.id, "≤ Austin's", ours, found,
               table.at_most(table.median(ours), table.median(found["Austin"])),
               ("mprof", "Austin"))


def cases(context):
    for python in context.pythons("3.12", "3.13"):
        yield partial(lines, context, python)
    for python in context.pythons("3.12"):
        for rate in (10, 100, 1000):
            yield partial(cpu, context, python, rate, context.either(2, 0.5), context.either(3, 1))
