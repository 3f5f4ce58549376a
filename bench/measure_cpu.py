"""CPU seconds, start and end of the profiler included, of a recording of five seconds, 32 calls
deep; and what a sample costs at depth 320 against depth 32, flat out (each round a pair)."""

from functools import partial

import table
from peers import attempt
from table import Row, Series

TITLE = "CPU that the profiler needs"
DEPTH, DEEP = 32, 320


def recordings(context, python, rate, seconds, rounds):
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    found = {profiler.name: Series() for profiler in profilers}
    with context.target(python, "deep.py", 600, DEPTH) as target:
        for _ in range(rounds):
            for profiler in profilers:
                attempt(found[profiler.name], lambda profiler=profiler: profiler.record(
                    target, seconds, rate).cpu)
    ours = found.pop("pyspyc")
    return Row("CPU s in %g s at %d Hz" % (seconds, rate), python.id, table.CHEAPEST,
               ours, {**peers, **found}, table.at_most_cheapest(ours, found))


def times_deeper(profiler, shallow, deep, seconds, cost):
    less, more = (profiler.record(target, seconds).cpu_per_sample for target in (shallow, deep))
    cost.add(less * 1e6)
    return more / less


def with_depth(context, python, seconds, rounds):
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    found = {profiler.name: Series() for profiler in profilers}
    cost = Series()
    with context.target(python, "deep.py", 600, DEPTH) as shallow, \
            context.target(python, "deep.py", 600, DEEP) as deep:
        for turn in range(rounds):
            for profiler in profilers:
                if profiler is context.pyspy and turn:
                    continue
                attempt(found[profiler.name], times_deeper, profiler, shallow, deep, seconds,
                        cost if profiler is context.spy else Series())
    ours = found.pop("pyspyc")
    if cost and not ours.note:
        ours.note = "at 32 %s µs" % table.human(cost.median)
    return Row("CPU per sample, depth 320 to 32, ×", python.id, "≤ 4", ours, {**peers, **found},
               table.at_most(table.median(ours), 4))


def cases(context):
    for python in context.pythons("3.12"):
        # A few hundredths of a second, of which waking up is most: medians of many are needed.
        for rate, rounds in ((100, 9), (1000, 5)):
            yield partial(recordings, context, python, rate, context.either(5, 2),
                          context.either(rounds, 1))
    for python in context.pythons("3.12"):
        yield partial(with_depth, context, python, 1, context.either(5, 1))
