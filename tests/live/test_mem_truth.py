"""Growth of memory by lines against what the target measures itself, step by step.

A recording is of several rounds, and each of them counts. The recorder goes before other programs
where it may, as whoever needs exact figures on a busy machine has it do (chrt -f 1).
"""
import os

import pytest
from kit.mem_truth import ROUNDS, SCENARIOS, SIZE, VERSIONS, errors, one_run
from kit.memory import MEGABYTE
from kit.target import environment

# Of each line's growth, for steps over a megabyte; of the peak.
BOUND, PEAK_BOUND = 0.05, 0.02


def begin(launch, scenario, python):
    proc = os.open("/proc", os.O_RDONLY)
    more = {"PYTHONPATH": python.numpy} if scenario == "numpy" else {}
    try:
        return launch("mem_truth.py", scenario, SIZE, ROUNDS, proc, pass_fds=(proc,),
                      env=environment(**more))
    finally:
        os.close(proc)


@pytest.mark.pythons(only=VERSIONS)
@pytest.mark.case("mem: growth by line, against the target")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_truth(spy, launch, python, scenario, record_property):
    """At 1 kHz every line's growth is right within its bound, the peak within 2 % of VmHWM."""
    if scenario == "numpy" and not python.numpy:
        pytest.skip("NumPy is not installed for %s" % python.id)
    found, truth, peak, actual = one_run(spy, begin(launch, scenario, python), 1000)
    wrong = errors(found, truth)
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
