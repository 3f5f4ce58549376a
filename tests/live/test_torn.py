"""No stack that never was: chains.py at speed, where a mixture of two moments shows.

PYSPYC_TORN_SECONDS makes each recording longer than its 1.5 s.
"""
import os
import re
from collections import Counter

import pytest
from conftest import FEW
from kit.target import computes

CHAINS, LINKS = 8, 12
SECONDS = float(os.environ.get("PYSPYC_TORN_SECONDS", "1.5"))

# One torn stack is one too many: a second try that finds none would hide it. Amounts may be
# tried again.
pytestmark = pytest.mark.flaky(reruns=2, rerun_except="torn:")


def judge(profile):
    """What was torn, what lacks its root, and how the chains weigh."""
    torn, weight, seen = Counter(), Counter(), 0
    for frames, count in profile.frames():
        names = [frame.name for frame in frames]
        links = [tuple(map(int, found.groups())) for found in
                 (re.fullmatch(r"link(\d+)_(\d+)", name) for name in names) if found]
        if not links and "walk" not in names:
            continue  # before and after the walk
        seen += count
        chain = {number for number, _ in links}
        whole = (names[:2] == ["<module>", "walk"] and len(names) == 2 + len(links)
                 and len(chain) <= 1 and [link for _, link in links] == list(range(len(links))))
        files = {frame.file for frame in frames[2:]}
        if not whole or not files <= {"chain%d.py" % number for number in chain}:
            torn[" > ".join(names)] += count
        elif links:
            weight[links[0][0]] += count
    return torn, weight, seen


def check(profile, least=0.99):
    torn, weight, seen = judge(profile)
    assert not torn, "torn: %d of %d: %s" % (sum(torn.values()), seen, torn.most_common(3))
    assert seen == profile.samples >= least * profile.certain - 2, profile.truth
    # Where the machine cannot keep up by far, a thread may not get to stop within the deadline.
    if profile.truth["missed"] <= profile.moments:
        lost = profile.truth["dropped"] + profile.truth["unreadable"]
        assert lost <= 0.001 * profile.moments + 1, profile.truth
    return seen


@pytest.mark.case("torn stacks: those who wait for the GIL")
@pytest.mark.pythons(only=("3.8", "3.11", "3.12", "3.13", "3.14", "3.15"))
def test_torn_crowd(spy, launch):
    """Nine threads that take turns: the eight others' stacks are copied once, from 3.12 on."""
    target = launch("chains.py", 120, 8)
    computes(target.pid)
    profile = spy.record("-i", rate=1000, pid=target.pid, seconds=SECONDS)
    torn, seen = Counter(), 0
    for frames, count in profile.frames():
        names = [frame.name.rpartition(".")[2] for frame in frames]
        if "walk" not in names:
            continue  # a thread that begins
        at = names.index("walk") + 1
        chains = {tuple("link%d_%d" % (number, link) for link in range(len(names) - at))
                  for number in range(CHAINS)}
        seen += count
        if tuple(names[at:]) not in chains or names[0] not in ("<module>", "_bootstrap"):
            torn[" > ".join(names)] += count
    assert not torn, "torn: %d of %d: %s" % (sum(torn.values()), seen, torn.most_common(3))
    assert seen >= 0.99 * profile.samples >= 5 * profile.certain, profile.truth


@pytest.mark.case("torn stacks: 1 kHz")
def test_torn(spy, launch):
    """In the default mode, at 1 kHz."""
    target = launch("chains.py", 120)
    computes(target.pid)
    profile = spy.record(rate=1000, pid=target.pid, seconds=SECONDS)
    check(profile)


@pytest.mark.case("torn stacks: dumps")
def test_dumps(spy, launch):
    """One dump after the other: each whole."""
    target = launch("chains.py", 120)
    computes(target.pid)
    for _ in range(25):
        names = [frame.name for frame in reversed(spy.dump(target.pid).main)]
        assert names[:2] == ["<module>", "walk"]
        chains = {name.split("_")[0] for name in names[2:]}
        assert len(chains) <= 1
        assert [int(name.split("_")[1]) for name in names[2:]] == list(range(len(names) - 2))


@pytest.mark.case("torn stacks: recursion at speed")
def test_recursion(spy, launch):
    """The same function over and over: no stack without its root, none longer than it can be."""
    target = launch("recursive.py")
    computes(target.pid)
    profile = spy.record(rate="20k", pid=target.pid, seconds=1.2)
    wrong = {stack[:3]: (len(stack), count) for stack, count in profile.stacks.items()
             if not stack[0].startswith("<module> ") or len(stack) > 22
             or any(not frame.startswith("recurse ") for frame in stack[1:])}
    assert not wrong, "of %d: %s" % (profile.samples, wrong)


@pytest.mark.case("torn stacks: --nonblocking")
@pytest.mark.pythons(only=FEW + ("3.11", "3.12", "3.14", "3.15"))
def test_nonblocking(spy, launch):
    """Without stops: what cannot be verified is left out, and counted, but never torn."""
    target = launch("chains.py", 120)
    computes(target.pid)
    profile = spy.record("--nonblocking", rate=1000, pid=target.pid, seconds=0.7)
    torn, _, _ = judge(profile)
    assert not torn, "torn: %s" % torn.most_common(3)


@pytest.mark.case("torn stacks: --blocking")
@pytest.mark.pythons(only=FEW + ("3.11", "3.12", "3.14", "3.15"))
def test_blocking(spy, launch):
    target = launch("chains.py", 120)
    computes(target.pid)
    profile = spy.record("--blocking", rate=1000, pid=target.pid, seconds=0.7)
    check(profile, least=0.9)  # what is missed at the very end is in no sample
