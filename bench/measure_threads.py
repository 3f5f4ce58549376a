"""Four hundred threads, 200 that compute at depth 32 and 200 that wait, at 100 Hz, idle ones too:
the share of the thread samples that were ordered (each thread at each moment), CPU seconds of the
profiler, and what the target's threads lose together (pairs, as above). And fifty worker processes
of one parent, at 100 Hz, idle: the share of the ordered samples, and the CPU."""

import measure_loss
import table
from kit import judges
from peers import by_thread
from table import Row, Series

TITLE = "Many threads and processes"
SPINNING = WAITING = 200
WORKERS = 50
RATE = 100


def crowd(context, python, seconds, rounds):
    """Rows of lost samples and CPU."""
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    seen = {profiler.name: Series() for profiler in profilers}
    cpu = {profiler.name: Series() for profiler in profilers}
    faults = []
    with context.target(python, "crowd.py", 3600, SPINNING, WAITING) as target:
        for turn in range(rounds):
            for profiler in profilers:
                if profiler is context.pyspy and turn:
                    continue
                recording = profiler.record(target, seconds, RATE, idle=True, threads=True)
                moments = RATE * (recording.seconds if profiler is context.spy else seconds)
                own = sum(count for name, count in by_thread(recording).items())
                seen[profiler.name].add(100 * own / ((SPINNING + WAITING) * moments))
                cpu[profiler.name].add(recording.cpu)
                if profiler is context.spy:
                    faults += lost_threads(recording)
    ours = seen.pop("pyspyc")
    if faults:
        verdict = table.Verdict(table.BEHIND, "behind: " + faults[0])
    else:
        verdict = table.at_least(table.median(ours), 99)
    yield Row("200 + 200 threads, 100 Hz, % of the samples", python.id, "every thread each time", ours,
              {**peers, **seen}, verdict)
    own_cpu = cpu.pop("pyspyc")
    yield Row("200 + 200 threads, CPU s in %g s" % seconds, python.id, "≤ Austin's", own_cpu,
              {**peers, **cpu}, table.at_most(table.median(own_cpu),
                                              table.best(min, {"Austin": cpu.get("Austin")})))


def lost_threads(recording):
    """In words: threads that were not in every moment that pyspyc says it looked at."""
    truth = recording.truth
    moments = round(truth["reached"] * truth["seconds"])
    # The first moment may come while a thread starts, the last while the target ends.
    lost, wrong = judges.crowd(recording.stacks, SPINNING, WAITING, moments - 2)
    found = []
    if lost:
        name = max(lost, key=lost.get)
        found.append("%d of %d threads miss samples, %s %d of %d" % (
            len(lost), SPINNING + WAITING, name, lost[name], moments))
    if wrong:
        found.append("in the wrong thread: %s" % wrong.most_common(1))
    return found


def slowed(context, python):
    seconds, pairs = context.either(3.0, 0.5), context.either(6, 1)
    present, peers = context.present(python)
    with measure_loss.working(context, python, SPINNING, WAITING) as target:
        found = measure_loss.losses((context.spy, *present), target, pairs, seconds, RATE,
                                    few=(context.pyspy, context.tachyon), idle=True, threads=True)
    ours = found.pop("pyspyc")
    return Row("200 + 200 threads, throughput lost", python.id, "≤ 2 %", ours, {**peers, **found},
               table.at_most(table.median(ours), 2))


def workers(context, python, seconds, rounds):
    present, peers = context.present(python)
    profilers = [profiler for profiler in (context.spy, *present)]
    seen = {profiler.name: Series() for profiler in profilers}
    cpu = {profiler.name: Series() for profiler in profilers}
    with context.target(python, "workers.py", 3600, WORKERS) as target:
        for turn in range(rounds):
            for profiler in profilers:
                if profiler is not context.spy and turn:
                    continue
                recording = profiler.record(target, seconds, RATE, idle=True, children=True)
                inside = sum(count for frames, count in recording.stacks if any(
                    frame.name.startswith("work_") for frame in frames))
                moments = RATE * (recording.seconds if profiler is context.spy else seconds)
                seen[profiler.name].add(100 * inside / (WORKERS * moments))
                cpu[profiler.name].add(recording.cpu)
    ours, own_cpu = seen.pop("pyspyc"), cpu.pop("pyspyc")
    yield Row("50 processes, 100 Hz, % of the samples", python.id, "every process each time", ours,
              {**peers, **seen}, table.at_least(table.median(ours), 98))
    yield Row("50 processes, CPU s in %g s" % seconds, python.id, "≤ Austin's", own_cpu,
              {**peers, **cpu}, table.at_most(table.median(own_cpu),
                                              table.best(min, {"Austin": cpu.get("Austin")})))


def rows(context):
    for python in context.pythons("3.8", "3.12", "3.15"):
        yield from crowd(context, python, context.either(5, 1), context.either(3, 1))
    for python in context.pythons("3.12", "3.15"):
        yield slowed(context, python)
        yield from workers(context, python, context.either(5, 1), context.either(3, 1))
