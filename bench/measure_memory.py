"""The most memory that a profiler had (VmHWM), in MB. A plain recording is of one thread, 32 calls
deep, at 1 kHz. The large one is of a program with a hundred thousand distinct stacks: as many
samples as an hour at 100 Hz has, 360,000, taken faster. The last one is `mem` on that program, with
the size of the file that it writes."""

from functools import partial

import table
from peers import Failed, attempt
from process import run
from table import Row, Series

TITLE = "Own memory"
MEGABYTE = 1024.0
HOUR, FAST = 360000, 10000


def peak(profiler, target, seconds, rate, last):
    last[profiler.name] = profiler.record(target, seconds, rate, memory=True)
    return last[profiler.name].peak / MEGABYTE


def peaks(context, python, name, seconds, rate, rounds, with_peers=True):
    present, peers = context.present(python)
    profilers = (context.spy, *(present if with_peers else ()))
    found = {profiler.name: Series() for profiler in profilers}
    last = {}
    with context.target(python, *name) as target:
        for _ in range(rounds):
            for profiler in profilers:
                attempt(found[profiler.name], peak, profiler, target, seconds, rate, last)
    ours = found.pop("pyspyc")
    return ours, {**peers, **found}, last.get("pyspyc")


def plain(context, python):
    ours, peers, _ = peaks(context, python, ("deep.py", 600, 32), context.either(5, 1), 1000,
                           context.either(3, 1))
    return Row("plain recording, MB", python.id, "≤ 8", ours, peers,
               table.at_most(table.median(ours), 8))


def large(context, python):
    """py-spy cannot keep up with this rate, and Austin keeps nothing: they have no part in it."""
    samples = context.either(HOUR, HOUR // 20)
    ours, peers, last = peaks(context, python, ("paths.py", 600), samples / FAST * 1.05, FAST, 1,
                              with_peers=False)
    seen = last.samples if last else 0
    if last:
        ours.note = "%s samples, %s stacks" % (format(seen, ","), format(len(last.stacks), ","))
    return Row("100,000 stacks, MB", python.id, "≤ 64, %s samples" % format(samples, ","), ours, peers,
               table.both(table.at_most(table.median(ours), 64), table.at_least(seen, samples)))


def memory(context, python):
    """Of a recording of memory, which holds a point and the stack that ran for each change."""
    seconds = context.either(HOUR, HOUR // 20) / FAST * 1.05
    ours = Series()
    out = context.spy.file(".json")
    with context.target(python, "paths.py", 600) as target:
        ended = run([context.spy.path, "mem", "-p", str(target.pid), "-d", "%g" % seconds, "-r",
                     str(FAST), "-o", out], timeout=seconds * 12, memory=True)
    if ended.status != 0:
        raise Failed("pyspyc mem ended with %d: %s" % (ended.status, ended.said))
    size = out.stat().st_size / MEGABYTE ** 2
    ours.add(ended.peak / MEGABYTE)
    ours.note = "its file: %.1f MB" % size
    out.unlink()
    return Row("mem of 100,000 stacks, MB", python.id, "≤ 32, as its file", ours, {},
               table.at_most(max(table.median(ours), size), 32))


def cases(context):
    for python in context.pythons("3.12"):
        yield partial(plain, context, python)
    for python in context.pythons("3.12"):
        yield partial(large, context, python)
    for python in context.pythons("3.12"):
        yield partial(memory, context, python)
