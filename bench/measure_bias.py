"""Whether shares are right, in points. Eight chains that are equally long: the share that is
furthest from 12.5 (where it is further than 0.6, what --blocking at 50 Hz shows is the measure).
Four functions whose shares of the CPU the thread's own clock tells: the one that is furthest off,
also while others use all CPUs. A target that computes and sleeps for 10 ms each, in step with the
rate: how far the share of samples in its work is from what it says itself."""

import signal
from functools import partial

import table
from kit import judges
from kit.clocks import load
from kit.target import wait_until
from peers import PROBLEMS, in_words
from table import Row, Verdict

TITLE = "Bias"


class Off:
    """Points by which a share is wrong, and what chance alone may do."""

    def __init__(self, points, samples, share):
        self.points = points
        self.samples = samples
        self.error = judges.error(share, samples)

    def __str__(self):
        return "%+.2f ± %.2f of %s samples" % (self.points, self.error, format(self.samples, ","))


def tried(function):
    """An Off, or in words why there is none."""
    try:
        return function()
    except PROBLEMS as error:
        return "failed: " + in_words(error)


def within(off, limit):
    return table.at_most(abs(off.points), limit)


def chains(profiler, target, seconds, rate, **options):
    """(Off, weights) of the eight chains."""
    recording = profiler.record(target, seconds, rate, **options)
    _, _, weight = judges.chains(recording.stacks)
    return Off(judges.spread(weight), recording.read(sum(weight.values())), 1 / judges.CHAINS), weight


def equal_chains(context, python):
    seconds = context.either(62, 5)
    present, peers = context.present(python)
    with context.target(python, "chains.py", 3600) as target:
        for peer in present:
            peers[peer.name] = tried(lambda peer=peer: chains(peer, target, seconds / 6, 1000)[0])
        ours, weight = chains(context.spy, target, seconds, 1000)
        verdict = within(ours, 0.6)
        if verdict.state == table.BEHIND:
            reference, stopped = chains(context.spy, target, context.either(120, 5), 50,
                                        more=context.spy.blocking)
            apart = judges.spread(weight, stopped)
            # Chance, in both recordings, is allowed for: two standard errors.
            verdict = table.at_most(abs(apart), 0.6 + 2 * (reference.error + ours.error))
            verdict = Verdict(verdict.state, "%s (--blocking at 50 Hz: %s; %+.2f from it)" % (
                verdict.text, reference, apart))
    return Row("eight equal chains, 1 kHz, points off", python.id, "≤ 0.6, or as --blocking at 50 Hz",
               ours, peers, verdict)


def told(target):
    """What the target says of itself at its end."""
    target.signal(signal.SIGTERM)
    return wait_until(lambda: target.ready().get("truth"), "target %d tells" % target.pid)


def shares(context, python, profiler, seconds):
    with context.target(python, "shares.py", 600) as target:
        recording = profiler.record(target, seconds, 1000)
        truth = told(target)["MainThread"]
    found = judges.shares(recording.stacks)
    apart = judges.apart(found, truth)
    worst = max(apart, key=lambda name: abs(apart[name]))
    return Off(apart[worst], recording.read(sum(found.values())), truth[worst] / sum(truth.values()))


def shares_busy(context, python, profiler, seconds):
    with load():
        return shares(context, python, profiler, seconds)


def in_step(context, python, profiler, seconds):
    with context.target(python, "instep.py", 600, 10, 10) as target:
        recording = profiler.record(target, seconds, 100, idle=True)
        truth = told(target)
    found = judges.shares(recording.stacks, ("works", "rests"))
    samples = sum(found.values())
    share = truth["works"] / truth["wall"]
    return Off(100 * (found["works"] / max(samples, 1) - share), recording.read(samples), share)


def row(context, python, what, function, seconds, limit):
    present, peers = context.present(python)
    for peer in present:
        peers[peer.name] = tried(partial(function, context, python, peer, seconds / 6))
    ours = function(context, python, context.spy, seconds)
    return Row(what, python.id, "≤ %d" % limit, ours, peers, within(ours, limit))


def cases(context):
    for python in context.pythons("3.12"):
        yield partial(equal_chains, context, python)
        yield partial(row, context, python, "shares of 50/30/15/5, 1 kHz, points off", shares,
                      context.either(25, 3), 1)
        yield partial(row, context, python, "the same while other programs use every CPU",
                      shares_busy, context.either(25, 3), 2)
        yield partial(row, context, python, "10 ms on, 10 ms off, 100 Hz, points off", in_step,
                      context.either(40, 3), 2)
