"""Time: programs in step with the rate, busy machines, ends in the midst of a recording.

PYSPYC_PACE_SECONDS makes each recording longer than its 1.4 s.
"""
import os
import time

import pytest
from kit import judges
from kit.clocks import WAIT, Waits, load, told
from kit.spy import ended

SECONDS = float(os.environ.get("PYSPYC_PACE_SECONDS", "1.4"))
PYTHONS = pytest.mark.pythons(only=("3.8", "3.12", "3.14"))


def assert_covered(profile, seconds=None):
    """What was seen and what was missed are all the time there was, and nothing twice."""
    truth = profile.truth
    passes = truth["rate"] * truth["seconds"]
    assert abs(judges.covered(truth) - 1) <= 0.01 + 3 / passes, truth
    if seconds:
        assert seconds * 0.98 - 0.01 <= truth["seconds"] <= 1.5 * seconds + 1, truth


@PYTHONS
@pytest.mark.case("pace: in step with the rate")
@pytest.mark.parametrize("option", ["", "--idle"])
def test_in_step(spy, launch, option):
    """One cycle for each sample: at fixed moments it would seem always on, or always off."""
    target = launch("instep.py", 120, 5, 5)
    profile = spy.record(*filter(None, [option]), pid=target.pid, seconds=SECONDS, rate=100)
    truth = told(target)
    assert_covered(profile, SECONDS)
    share, known = profile.having("works") / profile.moments, truth["works"] / truth["wall"]
    # On a busy machine pyspyc may get to run just when the target begins to rest.
    bound = 8 + 3 * judges.error(known, profile.moments)
    assert abs(share - known) * 100 <= bound, (share, truth, profile.truth)
    if option:
        assert profile.samples >= 0.99 * profile.certain - 2
        rests = profile.having("rests") / profile.moments
        assert abs(rests - (1 - known)) * 100 <= bound, (rests, truth)


@PYTHONS
@pytest.mark.case("pace: busy machine")
@pytest.mark.parametrize("rate", [1000, 5000])
@pytest.mark.parametrize("nice", [0, 10])
def test_busy(spy, launch, nice, rate):
    """What a busy machine makes pyspyc miss is counted, and shares remain right.

    A thread that is let go after a stop has to wait for a CPU: not the program's doing.
    """
    target = launch("shares.py", 120)
    with load(nice):
        waits = Waits(target.pid)
        profile = spy.record(pid=target.pid, seconds=SECONDS, rate=rate)
        waits.stop()
        known = told(target)["MainThread"]
    assert_covered(profile, SECONDS)
    truth = profile.truth
    assert profile.weighs_right(), truth
    lost = truth["dropped"] + truth["unreadable"]
    assert profile.samples + lost >= 0.99 * profile.certain - 2, truth
    assert profile.samples + lost + truth["waiting"] <= 1.01 * profile.moments + 2, truth
    # A stop is as short as on an idle machine: nobody else has the CPU meanwhile.
    assert truth["stopped_ms"] <= 0.5 * truth["stopped"] + 5, truth
    found = judges.shares(profile.frames())
    samples = sum(found.values())
    assert samples >= 50, truth
    # pyspyc waits for a CPU as others do: a late sample stands for all that was missed meanwhile.
    independent = samples ** 2 / (truth["samples"] + truth["missed"] * max(1, WAIT * rate))
    parts = judges.percent(known)
    for name, off in judges.apart(found, known).items():
        bound = waits.bound(2, parts[name] / 100, independent)
        assert abs(off) <= bound, (name, off, bound, found, known)


@PYTHONS
@pytest.mark.case("pace: the target ends")
def test_end(spy, launch):
    """A program that ends in the midst: all until then is there, and no more is waited for."""
    target = launch("shares.py", 0.6)
    output = spy.file(".folded")
    begin = time.monotonic()
    process = spy.start("record", "-f", "folded", "-o", output, "-r", "1k", "-d", 30,
                        "-p", target.pid)
    assert target.finish() == 0
    status, error = ended(process)
    assert status == 0 and time.monotonic() - begin < 10, error
    profile = spy.read(output, error)
    assert profile.truth["seconds"] <= 1.5, profile.truth
    assert_covered(profile)
    assert sum(judges.shares(profile.frames()).values()) >= 0.5 * profile.moments


@pytest.mark.pythons(only=("3.12",))
@pytest.mark.case("pace: the end of the time")
def test_over(spy, launch):
    """It is over whenever it ends, also when that is a moment before the next sample is due."""
    target = launch("spin.py")
    for _ in range(60):
        profile = spy.record(pid=target.pid, seconds=0.005, rate=100000)
        assert 0.005 <= profile.truth["seconds"] < 2, profile.truth
