"""Wall milliseconds of one dump of tests/targets/chains.py, from start to end of the program, the
profilers in turn."""

from functools import partial

import table
from peers import timed
from table import Row, Series

TITLE = "Time of a dump"


def row(context, python):
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    found = {profiler.name: Series() for profiler in profilers}
    failed = dict.fromkeys(found, 0)
    with context.target(python, "chains.py", 600) as target:
        for turn in range(context.either(15, 8)):
            for profiler in profilers:
                if profiler is context.tachyon and turn % 4:
                    continue
                taken = timed(profiler.dump(target))
                failed[profiler.name] += taken is None
                found[profiler.name].add(taken and taken * 1000)
    for name, count in failed.items():
        found[name].note = "failed %d times" % count if count else ""
    ours = found.pop("pyspyc")
    return Row("dump, ms", python.id, "≤ the fastest peer's", ours, {**peers, **found},
               table.at_most(table.median(ours), table.best(min, found)))


def cases(context):
    for python in context.pythons("2.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15",
                                  "3.13t"):
        yield partial(row, context, python)
