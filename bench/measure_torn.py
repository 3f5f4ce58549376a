"""Stacks that never existed, and samples that were given up, where torn stacks show: chains.py
(eight chains of twelve short calls) and turns.py (tiny functions whose frames take one another's
place, the same bytes over and over; three kinds). Recorded as fast as each goes, judged one by one.
A million samples of pyspyc (PYSPYC_BENCH_SAMPLES); of a peer as many as it makes in four seconds.
py-spy does not stop its target here: --nonblocking; the others in their default mode, pyspyc
with --max-slowdown 100: at its default it would take minutes to get so many samples of such code."""

from functools import partial

import table
from kit import judges
from kit.target import TARGETS
from peers import PROBLEMS, in_words
from table import Row, Verdict

TITLE = "Stacks that never were"
CHAINS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
TURNS = ("3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")
# One of each way in which frames lie in memory.
FAMILIES = ("3.10", "3.12")
LONGEST = 120.0  # seconds that one row may take


class Judged:
    """What was found in all recordings of one profiler."""

    def __init__(self):
        self.seen = self.wrong = self.lost = self.tried = self.stopped = 0
        self.examples = []
        self.failure = None

    def record(self, judge, profiler, target, seconds, **options):
        """Records and judges; returns the seconds that went by, None when it failed."""
        try:
            recording = profiler.record(target, seconds, **options)
            self.add(recording, judge)
        except PROBLEMS as error:
            self.failure = "failed: " + in_words(error)
            print("   " + self.failure, flush=True)
            return None
        return recording.ended.wall

    def add(self, recording, judge):
        seen, wrong = judge(recording.stacks)[:2]
        self.seen += recording.read(seen)
        self.wrong += recording.read(sum(wrong.values()))
        self.lost += recording.lost
        self.stopped += (recording.truth or {}).get("stopped", 0)
        self.tried += recording.samples + recording.lost
        self.examples += [text for text, _ in wrong.most_common(1)]

    @property
    def lost_share(self):
        return 100 * self.lost / max(self.tried, 1)

    def __str__(self):
        if self.failure or not self.seen:
            return self.failure or "no samples"
        share = "" if not self.wrong else " (%s %%)" % table.human(100 * self.wrong / self.seen)
        return "%s%s of %s" % (format(self.wrong, ","), share, format(self.seen, ","))


class Lost:
    def __init__(self, judged):
        self.judged = judged

    def __str__(self):
        if not self.judged.tried:
            return self.judged.failure or "no samples"
        return "%s %%%s" % (table.human(self.judged.lost_share), "" if not self.judged.stopped else
                            ", stopped for %s %%" % table.human(
                                100 * self.judged.stopped / self.judged.tried))


def judged(context, python, name, arguments, judge):
    """{profiler: Judged}, and {peer: why not} of the others."""
    present, peers = context.present(python)
    found = {profiler.name: Judged() for profiler in (context.spy, *present)}
    seconds = context.either(4, 1)
    with context.target(python, name, 3600, *arguments) as target:
        for peer in present:
            found[peer.name].record(judge, peer, target, seconds, more=peer.nonblocking)
        enough(found["pyspyc"], judge, context, target, context.samples, seconds,
               context.either(LONGEST, 4))
    return found, peers


def enough(ours, judge, context, target, samples, seconds, longest):
    """Records until there are so many samples, or for so long."""
    spent = 0.0
    while ours.seen < samples and spent < longest:
        taken = ours.record(judge, context.spy, target, seconds, more=("--max-slowdown", "100"))
        if taken is None:
            break
        spent += taken


def verdict(ours, most, samples):
    if ours.failure:
        return Verdict(table.BEHIND, ours.failure)
    if ours.wrong > most:
        return Verdict(table.BEHIND, "behind: %d never were, such as %s" % (
            ours.wrong, ours.examples[0][-150:]))
    if ours.seen < samples:
        return Verdict(table.BEHIND, "behind: only %s samples in the time" % format(ours.seen, ","))
    return Verdict(table.REACHED, "reached")


def chains(context, python):
    found, peers = judged(context, python, "chains.py", (), judges.chains)
    ours = found.pop("pyspyc")
    lost = {name: Lost(each) for name, each in found.items()}
    return [Row("torn, chains.py", python.id, "0 of %s" % format(context.samples, ","), ours,
                {**peers, **found}, verdict(ours, 0, context.samples)),
            Row("given up, chains.py", python.id, "≤ 0.1 %", Lost(ours), {**peers, **lost},
                table.at_most(ours.lost_share if ours.tried else None, 0.1))]


def turns(context, python, kind):
    lines = judges.calls((TARGETS / "turns.py").read_text(encoding="utf-8"))
    found, peers = judged(context, python, "turns.py", (kind,),
                          lambda stacks: judges.turns(stacks, lines))
    ours = found.pop("pyspyc")
    return Row("torn, turns.py %s" % kind, python.id, "≤ 1 of %s" % format(context.samples, ","), ours,
               {**peers, **found}, verdict(ours, 1, context.samples))


def cases(context):
    for python in context.pythons(*CHAINS):
        yield partial(chains, context, python)
    for python in context.pythons(*TURNS):
        for kind in ("plain", "nested", "alike") if python.id in FAMILIES else ("plain",):
            yield partial(turns, context, python, kind)
