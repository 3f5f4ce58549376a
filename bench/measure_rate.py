"""Samples a second, as fast as each goes, of one thread 32 calls deep, with lines, into a profile
that is added up. Austin writes a stream: here another process adds it up at the other end of a
pipe; how fast it fills a file, which nobody has added up then, is told beside it. py-spy's figure
is of one round."""

from functools import partial

import table
from peers import attempt
from table import Row, Series

TITLE = "Samples a second, flat out"
OLD, NEW = ("3.8", "3.9", "3.10"), ("3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
DEPTH = 32


def rates(context, python, seconds, rounds):
    """pyspyc's Series, and the peers' by name."""
    def rate(record, *arguments):
        return record(*arguments).rate

    present, peers = context.present(python)
    found = {profiler.name: Series() for profiler in present}
    ours, to_file = Series(), Series()
    with context.target(python, "deep.py", 600, DEPTH) as target:
        for turn in range(rounds):
            attempt(ours, rate, context.spy.record, target, seconds)
            if context.austin in present:
                attempt(found["Austin"], rate, context.austin.collected, target, seconds)
                attempt(to_file, rate, context.austin.record, target, seconds)
            if context.tachyon in present:
                attempt(found["Tachyon"], rate, context.tachyon.record, target, seconds)
            if context.pyspy in present and turn == 0:
                attempt(found["py-spy"], rate, context.pyspy.record, target, seconds)
    if to_file and not found["Austin"].note:
        found["Austin"].note = "to a file %s" % to_file
    return ours, {**peers, **found}


def row(context, python, nearest):
    """`nearest` keeps what Austin does on 3.9, for 3.8, which it does not know."""
    factor = 2.5 if python.id in OLD else 3
    ours, peers = rates(context, python, 1, context.either(3, 2))
    least = table.best(max, {name: peers.get(name) for name in ("Austin", "Tachyon")})
    must = "≥ %g × the better of Austin and Tachyon" % factor
    if python.id == "3.9":
        nearest["Austin"] = least
    if python.id == "3.8":
        least, must = nearest.get("Austin"), "≥ %g × Austin on 3.9" % factor
    return Row("samples/s", python.id, must, ours, peers, table.at_least(
        table.median(ours), least and factor * least))


def cases(context):
    nearest = {}
    for python in sorted(context.pythons(*OLD, *NEW), key=lambda python: python.id == "3.8"):
        yield partial(row, context, python, nearest)
