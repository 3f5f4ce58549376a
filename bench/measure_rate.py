"""Samples a second, as fast as each goes, of one thread 32 calls deep, with lines, into a profile
that is added up. Austin writes a stream: here another process adds it up at the other end of a
pipe; how fast it fills a file, which nobody has added up then, is told beside it. py-spy's figure
is of one round."""

import table
from table import Row, Series

TITLE = "Samples a second, flat out"
OLD, NEW = ("3.8", "3.9", "3.10"), ("3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
DEPTH = 32


def one(context, python, seconds, rounds):
    present, peers = context.present(python)
    found = {profiler.name: Series() for profiler in present}
    ours, to_file = Series(), Series()
    with context.target(python, "deep.py", 600, DEPTH) as target:
        for turn in range(rounds):
            ours.add(context.spy.record(target, seconds).rate)
            if context.austin in present:
                found["Austin"].add(context.austin.collected(target, seconds).rate)
                to_file.add(context.austin.record(target, seconds).rate)
            if context.tachyon in present:
                found["Tachyon"].add(context.tachyon.record(target, seconds).rate)
            if context.pyspy in present and turn == 0:
                found["py-spy"].add(context.pyspy.record(target, seconds).rate)
    if to_file:
        found["Austin"].note = "to a file %s" % to_file
    return ours, {**peers, **found}


def rows(context):
    seconds, rounds = 1, context.either(5, 2)
    nearest = None  # what Austin does on 3.9, for 3.8, which it does not know
    for python in sorted(context.pythons(*OLD, *NEW), key=lambda python: python.id == "3.8"):
        factor = 2.5 if python.id in OLD else 3
        ours, peers = one(context, python, seconds, rounds)
        rivals = {name: peers[name] for name in ("Austin", "Tachyon")}
        least = table.best(max, rivals)
        must = "≥ %g × the better of Austin and Tachyon" % factor
        if python.id == "3.9":
            nearest = least
        if python.id == "3.8":
            least, must = nearest, "≥ %g × Austin on 3.9" % factor
        yield Row("samples/s", python.id, must, ours, peers, table.at_least(
            table.median(ours), least and factor * least))
