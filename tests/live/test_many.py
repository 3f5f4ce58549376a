"""Many threads and many processes: each in every pass, and losses only where they are."""
import contextlib
import json
import re
import time

import pytest
from kit import judges
from kit import target as system
from kit.spy import ended

PYTHONS = pytest.mark.pythons(only=("3.8", "3.12", "3.14"))


def assert_passes(profile, passes, seconds):
    """So many passes there were, as the recording itself says."""
    truth = profile.truth
    slack = 0.01 * passes + 2
    # Of a gap of more than 0.1 s, as a busy machine makes them, only that much is stood for.
    assert profile.moments - truth["missed"] - slack <= passes <= profile.moments + slack, (
        passes, truth)
    assert abs(judges.covered(truth) - 1) <= 0.02 + 3 / (truth["rate"] * truth["seconds"]), truth
    assert truth["seconds"] >= 0.9 * seconds, truth


@PYTHONS
@pytest.mark.case("many: 200 threads compute, 200 wait")
def test_crowd(spy, launch):
    """Every thread in each pass, each with its own stack."""
    target = launch("crowd.py", 120, 200, 200)
    profile = spy.record("-i", "-t", pid=target.pid, seconds=1, rate=100)
    passes = judges.threads(profile.frames())["MainThread"]
    lost, misplaced = judges.crowd(profile.frames(), 200, 200, passes)
    assert not misplaced, misplaced.most_common(3)
    truth = profile.truth
    given_up = truth["dropped"] + truth["unreadable"]
    assert sum(lost.values()) <= given_up <= 0.001 * truth["samples"], (lost, truth)
    assert_passes(profile, passes, 1)


@pytest.mark.case("many: who does not get the GIL is not looked at")
@pytest.mark.pythons(only=("3.12", "3.13", "3.14", "3.15"))
def test_few_reads(spy, launch):
    """At most moments all that is asked of 400 threads is whether there are others by now. With a
    look at those that sleep, and now and then at those that wake up, there were 300 a moment."""
    target = launch("crowd.py", 120, 200, 200)
    output, reads = spy.file(".folded"), 0
    process = spy.start("record", "-i", "-f", "folded", "-o", output, "-r", 100, "-d", 2, "-p",
                        target.pid)
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            reads = system.reads(process.pid)
        time.sleep(0.02)
    status, error = ended(process)
    assert status == 0, error
    moments = spy.read(output, error).moments
    begin = 10 * 400 # to know what the threads are called, and which sleep
    assert 400 < reads < begin + 150 * moments, (reads, moments)


@pytest.mark.case("many: 20 threads in parallel")
@pytest.mark.pythons(only=("3.13t",))
def test_parallel(spy, launch):
    """Free-threaded, they all run at once, as far as there are CPUs for them."""
    target = launch("crowd.py", 120, 20, 20)
    profile = spy.record("-i", "-t", pid=target.pid, seconds=1, rate=100)
    passes = judges.threads(profile.frames())["MainThread"]
    lost, misplaced = judges.crowd(profile.frames(), 20, 20, passes)
    assert not lost and not misplaced, (lost, misplaced.most_common(3))
    assert_passes(profile, passes, 1)


@PYTHONS
@pytest.mark.case("many: 50 processes")
def test_workers(spy, launch):
    target = launch("workers.py", 120, 50)
    pids = {int(number): pid for number, pid in target.facts["workers"].items()}
    profile = spy.record("-s", "-i", pid=target.pid, seconds=1, rate=100)
    found, wrong = judges.workers(profile.frames(), {**pids, 50: target.pid})
    assert not wrong, wrong.most_common(3)
    passes = max(found.values())
    # A process may be found in the course of the first passes, and is never lost afterwards.
    assert min(found.values()) >= passes - 3, found
    assert_passes(profile, passes, 1)


@PYTHONS
@pytest.mark.case("many: half of 50 processes end")
def test_workers_end(spy, launch):
    """Those that remain lose nothing by the others' end."""
    target = launch("workers.py", 3, 50, "short")
    pids = {int(number): pid for number, pid in target.facts["workers"].items()}
    output = spy.file(".folded")
    process = spy.start("record", "-s", "-i", "-f", "folded", "-o", output, "-r", 100, "-d", 30,
                        "-p", target.pid)
    assert target.finish() == 0
    status, error = ended(process)
    assert status == 0, error
    profile = spy.read(output, error)
    found, wrong = judges.workers(profile.frames(), pids)
    assert not wrong, wrong.most_common(3)
    stay = [found[number] for number in pids if number % 2 == 0]
    gone = [found[number] for number in pids if number % 2]
    assert min(stay) >= 0.97 * max(stay) - 3 > 100, found
    assert 0.2 * max(stay) < min(gone) and max(gone) < 0.8 * max(stay), found


@pytest.mark.case("many: threads that come and go")
@pytest.mark.pythons(only=("3.8", "3.11", "3.12", "3.14"))
def test_mayflies(spy, launch):
    """Beside threads of a millisecond each, those that stay are in every pass."""
    target = launch("mayflies.py", 1.5, 1)
    profile = spy.record("-i", "-t", pid=target.pid, seconds=1, rate=1000)
    bred = json.loads(target.rest()[-1][len("ready "):])["bred"]
    counts = judges.threads(profile.frames())
    passes = counts["stays"]
    truth = profile.truth
    lost = truth["dropped"] + truth["unreadable"]
    # The passing away of a thread is no loss of those beside it.
    for name in ("MainThread", "stays"):
        assert counts[name] >= profile.certain - 0.002 * profile.moments - 2, (counts[name], truth)
    assert lost <= 0.05 * truth["samples"], truth
    # Each stack in the thread whose it is. While a thread begins, CPython has it bear the ident of
    # the one that started it, which is "breeds".
    (breeder, _), *others = judges.ids(profile.frames(), "breeds").most_common()
    brief = judges.ids(profile.frames(), "brief")
    assert not others and breeder not in brief, (breeder, others, brief[breeder])
    wrong = judges.misplaced(profile.frames(), {
        "stays": "stays", "breeds": "breeds", "brief": "brief-"})
    assert sum(wrong.values()) <= 0.02 * sum(brief.values()), wrong.most_common(3)
    named = {name for name in counts if re.fullmatch(r"brief-\d+", name)}
    assert bred >= len(named) >= 20, (bred, len(named))
    assert sum(brief.values()) >= 0.1 * passes, (brief, passes)
    assert_passes(profile, passes, 1)


@pytest.mark.case("many: one that is unreadable")
@pytest.mark.pythons(only=("3.8", "3.10", "3.12", "3.13"))
def test_unreadable(spy, launch):
    """A thread of which something cannot be read is left out and counted; the others are whole."""
    target = launch("unreadable.py", 120)
    profile = spy.record("-i", "-t", pid=target.pid, seconds=0.5, rate=200)
    counts = judges.threads(profile.frames())
    assert counts["plain"] == counts["MainThread"] and not counts["hidden"], counts
    truth = profile.truth
    # A stack that was read stands for those missed before it, one that was not is only counted.
    lost = truth["dropped"] + truth["unreadable"]
    assert lost <= counts["plain"] <= lost + truth["missed"], (counts, truth)
    assert truth["stopped"] == 0, truth
    assert_passes(profile, counts["plain"], 0.5)
    stacks = [[frame["name"] for frame in thread["frames"] or []]
              for thread in spy.dump(target.pid).threads if thread["name"] == "plain"]
    assert len(stacks) == 1 and stacks[0][0] == "shows", stacks
