"""Growth of memory by lines against what the target measures itself, step by step.

A recording is of several rounds, and each of them counts. The recorder goes before other programs
where it may, as whoever needs exact figures on a busy machine has it do (chrt -f 1).
"""
import os
import re
from collections import Counter

import pytest
from kit.memory import MEGABYTE, recorded
from kit.target import environment
from kit.top import number

VERSIONS = ("3.8", "3.10", "3.12", "3.13", "3.14", "3.15", "3.13t")
SCENARIOS = ("simple", "threads", "c", "reused", "numpy")
SIZE, ROUNDS = 8, 4
# Of each line's growth, for steps over a megabyte; of the peak.
BOUND, PEAK_BOUND = 0.05, 0.02


def booked(profile, lines):
    """Bytes by the innermost frame that is on one of the lines."""
    found = Counter()
    for frames, size in profile.frames():
        for frame in reversed(frames):
            if frame.file.endswith("mem_truth.py") and frame.line in lines:
                found[frame.line] += size
                break
        else:
            found[None] += size
    return found


def begin(launch, scenario, python):
    proc = os.open("/proc", os.O_RDONLY)
    more = {"PYTHONPATH": python.numpy} if scenario == "numpy" else {}
    try:
        return launch("mem_truth.py", scenario, SIZE, ROUNDS, proc, pass_fds=(proc,),
                      env=environment(**more))
    finally:
        os.close(proc)


def one_run(spy, target, rate):
    """A recording of one run: what it says, what the target says, and the peak that is printed."""
    output, said, facts = recorded(spy, target, "folded", rate=rate)
    truth = {int(line): size for line, size in facts["grown"].items()
             if size > ROUNDS * MEGABYTE}
    peak = re.search(r"peak ([\d.]+[KMG])", said)
    assert peak, said
    return booked(spy.read(output), truth), truth, number(peak[1]), facts["peak"]


@pytest.mark.pythons(only=VERSIONS)
@pytest.mark.case("mem: growth by line, against the target")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_truth(spy, launch, python, scenario, record_property):
    """At 1 kHz every line's growth is right within its bound, the peak within 2 % of VmHWM."""
    if scenario == "numpy" and not python.numpy:
        pytest.skip("NumPy is not installed for %s" % python.id)
    found, truth, peak, actual = one_run(spy, begin(launch, scenario, python), 1000)
    wrong = {line: found[line] / size - 1 for line, size in truth.items()}
    record_property("worst", max(map(abs, wrong.values())))
    record_property("peak", peak / actual - 1)
    assert len(truth) >= (2 if scenario == "numpy" else 3), truth
    assert max(map(abs, wrong.values())) <= BOUND, "off by %s; booked %s, true %s" % (
        {line: "%+.1f %%" % (100 * part) for line, part in wrong.items()}, dict(found), truth)
    assert abs(peak - actual) <= PEAK_BOUND * actual, "peak %d, VmHWM %d" % (peak, actual)


@pytest.mark.pythons(only=VERSIONS)
@pytest.mark.case("mem: growth by little, at 10 Hz")
def test_little(spy, launch, python):
    """Steps that take microseconds are seen between samples that are 100 ms apart."""
    found, truth, _, _ = one_run(spy, begin(launch, "little", python), 10)
    (line, size), = truth.items()
    assert size > SIZE * ROUNDS * MEGABYTE / 2
    assert abs(found[line] / size - 1) <= 0.1, "booked %s, true %s" % (dict(found), truth)
