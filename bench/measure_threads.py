"""Four hundred threads, 200 that compute at depth 32 and 200 that wait, at 100 Hz, idle ones too:
the share of the thread samples that were ordered (each thread at each moment), CPU seconds of the
profiler, and what the target's threads lose together (pairs, as above). And fifty worker processes
of one parent, at 100 Hz, idle: the share of the ordered samples, and the CPU."""

from functools import partial

import measure_loss
import table
from kit import judges
from peers import attempt
from table import Row, Series

TITLE = "Many threads and processes"
SPINNING = WAITING = 200
WORKERS = 50
RATE = 100


def rounds_of(context, python, name, arguments, seconds, rounds, count, **options):
    """The share of the ordered samples and the CPU of each, and pyspyc's recordings. `count` takes
    the samples of a recording that were ordered, and says how many are due at a moment."""
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    seen = {profiler.name: Series() for profiler in profilers}
    cpu = {profiler.name: Series() for profiler in profilers}
    kept = []

    def one(profiler):
        recording = profiler.record(target, seconds, RATE, idle=True, **options)
        cpu[profiler.name].add(recording.cpu)
        if profiler is context.spy:
            kept.append(recording)
        found, due = count(recording)
        # Who takes longer than ordered has not kept up.
        late = recording.seconds > 1.2 * seconds
        return 100 * found / (due * RATE * (recording.seconds if late else seconds))

    with context.target(python, name, 3600, *arguments) as target:
        for turn in range(rounds):
            for profiler in profilers:
                if profiler in (context.spy, context.austin) or turn == 0:
                    attempt(seen[profiler.name], one, profiler)
    return seen.pop("pyspyc"), {**peers, **seen}, cpu.pop("pyspyc"), {**peers, **cpu}, kept


def crowd(context, python, seconds, rounds):
    seen, peers, cpu, cpus, kept = rounds_of(
        context, python, "crowd.py", (SPINNING, WAITING), seconds, rounds,
        lambda recording: (recording.samples, SPINNING + WAITING), threads=True)
    faults = [fault for recording in kept for fault in lost_threads(recording)]
    verdict = table.at_least(table.median(seen), 98)
    if faults:
        verdict = table.Verdict(table.BEHIND, "behind: " + faults[0])
    return [Row("200 + 200 threads, 100 Hz, % of the samples", python.id,
                "no thread lost, ≥ 98", seen, peers, verdict),
            Row("200 + 200 threads, CPU s in %g s" % seconds, python.id, table.CHEAPEST, cpu, cpus,
                table.at_most_cheapest(cpu, cpus))]


def lost_threads(recording):
    """In words: threads that were not in every moment that the main thread was in."""
    moments = judges.threads(recording.stacks)["MainThread"]
    lost, wrong = judges.crowd(recording.stacks, SPINNING, WAITING, moments)
    found = []
    if lost:
        name = max(lost, key=lost.get)
        found.append("%d of %d threads miss samples, %s %d of %d" % (
            len(lost), SPINNING + WAITING, name, lost[name], moments))
    if wrong:
        found.append("in the wrong thread: %s" % wrong.most_common(1))
    return found


def slowed(context, python):
    seconds, pairs = context.either(0.3, 0.2), context.either(140, 2)
    present, peers = context.present(python)
    with measure_loss.working(context, python, SPINNING, WAITING) as target:
        found = measure_loss.losses((context.spy, *present), target, pairs, seconds, RATE,
                                    idle=True, threads=True)
    ours = found.pop("pyspyc")
    return Row("200 + 200 threads, throughput lost", python.id, "≤ 2 %", ours, {**peers, **found},
               table.at_most(table.median(ours), 2))


def inside(recording):
    """Samples of worker processes, and how many of these there are."""
    return recording.read(sum(count for frames, count in recording.stacks if any(
        frame.name.startswith("work_") for frame in frames))), WORKERS


def workers(context, python, seconds, rounds):
    seen, peers, cpu, cpus, _ = rounds_of(context, python, "workers.py", (WORKERS,), seconds, rounds,
                                          inside, children=True)
    return [Row("50 processes, 100 Hz, % of the samples", python.id, "no process lost, ≥ 98", seen,
                peers, table.at_least(table.median(seen), 98)),
            Row("50 processes, CPU s in %g s" % seconds, python.id, table.CHEAPEST, cpu, cpus,
                table.at_most_cheapest(cpu, cpus))]


def cases(context):
    for python in context.pythons("3.12"):
        yield partial(crowd, context, python, context.either(5, 1), context.either(3, 1))
    for python in context.pythons("3.12"):
        yield partial(slowed, context, python)
        yield partial(workers, context, python, context.either(5, 1), context.either(3, 1))
