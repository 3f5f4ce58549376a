"""Samples with a name that was not there: made.py makes, runs and frees functions all the time, so
that their addresses are used again, with another name, file and first line. 100,000 samples of
pyspyc, of the peers a few seconds' worth, each as fast as it goes."""

import measure_torn
import table
from kit import judges
from kit.target import TARGETS
from table import Row, Verdict

TITLE = "Functions that come and go"
SAMPLES = 100000
LONGEST = 60.0


def rows(context):
    lines = judges.calls((TARGETS / "made.py").read_text(encoding="utf-8"))
    least = context.either(SAMPLES, SAMPLES // 20)
    seconds = context.either(4, 1)
    for python in context.pythons("2.7", "3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t"):
        present, peers = context.present(python)
        found = {profiler.name: measure_torn.Judged() for profiler in (context.spy, *present)}
        with context.target(python, "made.py", 3600) as target:
            for peer in present:
                found[peer.name].add(peer.record(target, seconds),
                                     lambda stacks: judges.made(stacks, lines))
            ours, spent = found["pyspyc"], 0.0
            while ours.seen < least and spent < LONGEST:
                recording = context.spy.record(target, seconds)
                ours.add(recording, lambda stacks: judges.made(stacks, lines))
                spent += recording.ended.wall
        del found["pyspyc"]
        if ours.wrong:
            verdict = Verdict(table.BEHIND, "behind: %d wrong, such as %s" % (
                ours.wrong, ours.examples[0][-150:]))
        else:
            verdict = table.at_least(ours.seen, least)
        yield Row("wrong names, made.py", python.id, "0 of %s" % format(least, ","), ours,
                  {**peers, **found}, verdict)
