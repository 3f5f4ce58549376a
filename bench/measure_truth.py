"""How far off growth by line is, recording by recording (mem, 1000 times a second): the line of
tests/targets/mem_truth.py that is furthest off in each, in per cent of what the program measured of
itself, for steps of 8 MB in five scenarios (plain objects, threads in turn, C code, memory that is
used again, and NumPy where it is installed). And the peak that was printed, against VmHWM."""

import contextlib

import table
from kit import mem_truth
from kit.spy import Spy
from kit.target import Target, environment
from peers import attempt
from table import Row, Series

TITLE = "Growth by line, version by version"
MOST_OFF, PEAK_OFF = 5, 2


@contextlib.contextmanager
def running(context, python, scenario):
    more = {"PYTHONPATH": python.numpy} if scenario == "numpy" else {}
    path = context.place(python).path("mem_truth.py")
    target = Target([*python.command, path, scenario, str(mem_truth.SIZE), str(mem_truth.ROUNDS)],
                    env=environment(**more))
    try:
        target.ready()
        yield target
    finally:
        target.stop()


def cases_of(python):
    return [name for name in mem_truth.SCENARIOS if name != "numpy" or python.numpy]


def truth(context, python):
    recordings = context.either(6, 1)
    worst, peaks = Series(), Series()

    def one(scenario):
        with running(context, python, scenario) as target:
            found, true, peak, actual = mem_truth.one_run(Spy(context.folder), target, 1000)
        worst.add(100 * max(map(abs, mem_truth.errors(found, true).values())))
        peaks.add(100 * abs(peak - actual) / actual)

    for _ in range(recordings):
        for scenario in cases_of(python):
            attempt(worst, one, scenario)
    within = sum(value <= MOST_OFF for value in worst.values)
    verdict = table.at_most(table.median(worst), MOST_OFF)
    worst.note = ", ".join(filter(None, [
        worst.note, "%d of %d recordings within" % (within, len(worst.values))]))
    return [Row("worst line of a recording, % off", python.id, "≤ %d" % MOST_OFF, worst, {}, verdict),
            Row("peak, % off VmHWM", python.id, "≤ %d" % PEAK_OFF, peaks, {},
                table.at_most(peaks and max(peaks.values), PEAK_OFF))]


def cases(context):
    for python in context.pythons(*mem_truth.VERSIONS):
        yield lambda python=python: truth(context, python)
