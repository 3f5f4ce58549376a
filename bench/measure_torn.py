"""Stacks that never existed, and samples that were given up, where torn stacks show: chains.py
(eight chains of twelve short calls) and turns.py (tiny functions whose frames take one another's
place, the same bytes over and over; three kinds). Recorded as fast as each goes, judged one by one.
A million samples of pyspyc (PYSPYC_BENCH_SAMPLES); of a peer as many as it makes in a few rounds.
py-spy does not stop its target here: --nonblocking; the others in their default mode."""

import table
from kit import judges
from kit.target import TARGETS
from table import Row, Verdict

TITLE = "Stacks that never were"
CHAINS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
TURNS = ("3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
LONGEST = 120.0  # seconds that one row may take


class Judged:
    """What was found in all recordings of one profiler."""

    def __init__(self):
        self.seen = self.wrong = self.lost = self.tried = 0
        self.examples = []

    def add(self, recording, judge):
        seen, wrong = judge(recording.stacks)[:2]
        self.seen += seen
        self.wrong += sum(wrong.values())
        self.lost += recording.lost
        self.tried += recording.samples + recording.lost
        self.examples += [text for text, _ in wrong.most_common(1)]

    @property
    def lost_share(self):
        return 100 * self.lost / max(self.tried, 1)

    def __str__(self):
        if not self.seen:
            return "no samples"
        share = "" if not self.wrong else " (%s %%)" % table.human(100 * self.wrong / self.seen)
        return "%s%s of %s" % (format(self.wrong, ","), share, format(self.seen, ","))


class Lost:
    def __init__(self, judged):
        self.judged = judged

    def __str__(self):
        return "%s %%" % table.human(self.judged.lost_share) if self.judged.tried else "no samples"


def judged(context, python, name, arguments, judge):
    """{profiler: Judged}, and {peer: why not} of the others."""
    present, peers = context.present(python)
    found = {profiler.name: Judged() for profiler in (context.spy, *present)}
    seconds = context.either(5, 1)
    with context.target(python, name, 3600, *arguments) as target:
        for turn in range(2):
            for peer in present:
                if peer is not context.pyspy or turn == 0:
                    found[peer.name].add(peer.record(target, seconds, more=peer.nonblocking), judge)
        ours = found["pyspyc"]
        spent = 0.0
        while ours.seen < context.samples and spent < context.either(LONGEST, 4):
            recording = context.spy.record(target, seconds)
            ours.add(recording, judge)
            spent += recording.ended.wall
    return found, peers


def verdict(context, judged, most):
    if judged.wrong > most:
        return Verdict(table.BEHIND, "behind: %d torn, such as %s" % (
            judged.wrong, judged.examples[0][-150:]))
    if judged.seen < context.samples:
        return Verdict(table.BEHIND, "behind: only %s samples in %d s" % (
            format(judged.seen, ","), context.either(LONGEST, 4)))
    return Verdict(table.REACHED, "reached")


def rows(context):
    for python in context.pythons(*CHAINS):
        found, peers = judged(context, python, "chains.py", (), judges.chains)
        ours = found.pop("pyspyc")
        yield Row("torn, chains.py", python.id, "0 of %s" % format(context.samples, ","), ours,
                  {**peers, **found}, verdict(context, ours, 0))
        yield Row("given up, chains.py", python.id, "≤ 0.1 %", Lost(ours),
                  {**peers, **{name: Lost(each) for name, each in found.items()}},
                  table.at_most(ours.lost_share if ours.tried else None, 0.1))
    lines = judges.calls((TARGETS / "turns.py").read_text(encoding="utf-8"))
    for python in context.pythons(*TURNS):
        for kind in ("plain", "nested", "alike"):
            found, peers = judged(context, python, "turns.py", (kind,),
                                  lambda stacks: judges.turns(stacks, lines))
            ours = found.pop("pyspyc")
            yield Row("torn, turns.py %s" % kind, python.id,
                      "≤ 1 of %s" % format(context.samples, ","), ours, {**peers, **found},
                      verdict(context, ours, 1))
