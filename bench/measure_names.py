"""Samples with a name that was not there: made.py makes, runs and frees functions all the time, so
that their addresses are used again, with another name, file and first line. 100,000 samples of
pyspyc, of the peers a few seconds' worth, each as fast as it goes."""

from functools import partial

import measure_torn
from kit import judges
from kit.target import TARGETS
from table import Row

TITLE = "Functions that come and go"
SAMPLES = 100000
LONGEST = 60.0


def row(context, python):
    lines = judges.calls((TARGETS / "made.py").read_text(encoding="utf-8"))
    least, seconds = context.either(SAMPLES, SAMPLES // 20), context.either(4, 1)
    present, peers = context.present(python)
    found = {profiler.name: measure_torn.Judged() for profiler in (context.spy, *present)}

    def judge(stacks):
        return judges.made(stacks, lines)

    with context.target(python, "made.py", 3600) as target:
        for peer in present:
            found[peer.name].record(judge, peer, target, seconds)
        measure_torn.enough(found["pyspyc"], judge, context, target, least, seconds, LONGEST)
    ours = found.pop("pyspyc")
    return Row("wrong names, made.py", python.id, "0 of %s" % format(least, ","), ours,
               {**peers, **found}, measure_torn.verdict(ours, 0, least))


def cases(context):
    for python in context.pythons("3.8", "3.11", "3.12", "3.15", "3.13t"):
        yield partial(row, context, python)
