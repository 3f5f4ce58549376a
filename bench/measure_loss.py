"""What a profiler takes from its target: pairs of stretches of work of the same process, one with
and one without the profiler, in turn; points of throughput lost, the median of the pairs and their
quartiles. Without it means that it is halted (SIGSTOP) for as long, so that many short pairs fit
into one recording and what the machine does meanwhile is in both; py-spy, which may be holding its
target just then, is started anew for each pair. Neither core is kept free for the target: an idle
machine shows what the profiler does to it, a busy one also what others do, which the pairs' spread
tells."""

import array
import contextlib
import statistics
import time
from functools import partial

import table
from peers import attempt, attempt_all
from table import Row, Series

TITLE = "What it costs the target"
DEPTH = 32
SETTLED = 0.6  # by then each of them samples
SWITCHED = 0.02  # as long it takes at most to be halted, or to go on
AT_ONCE = 10  # pairs in one recording


class Quartiles(Series):
    def __str__(self):
        if len(self.values) < 4:
            return super().__str__()
        low, _, high = statistics.quantiles(self.values, n=4)
        return "%.2f %% (%.2f…%.2f)%s" % (self.median, low, high, ", " + self.note if self.note else "")


@contextlib.contextmanager
def working(context, python, *arguments):
    """targets/throughput.py, and the numbers in its file."""
    place = context.place(python)
    counts = place.host / ("counts-%d" % len(list(place.host.iterdir())))
    counts.touch()
    with context.target(python, "throughput.py", "%s/%s" % (place.inside, counts.name), DEPTH,
                        *arguments) as target:
        target.counts = counts
        yield target


def done(target):
    return sum(array.array("Q", target.counts.read_bytes())), time.perf_counter()


def stretch(target, seconds):
    """Units of work a second."""
    before, begin = done(target)
    time.sleep(seconds)
    after, end = done(target)
    assert after > before, "the target does nothing"
    return (after - before) / (end - begin)


def beside(profiler, target, seconds, rate, **options):
    """A stretch during a recording; None when there was no recording all the time."""
    job = profiler.start(target, seconds + SETTLED + 5, rate, **options)
    try:
        time.sleep(SETTLED)
        found = stretch(target, seconds)
        return found if job.runs() else None
    finally:
        job.stop()


def pair(profiler, target, turn, seconds, rate, **options):
    """Points lost; who begins takes turns, so that a drift cancels out."""
    if turn % 2:
        with_it = beside(profiler, target, seconds, rate, **options)
        alone = stretch(target, seconds)
    else:
        alone = stretch(target, seconds)
        with_it = beside(profiler, target, seconds, rate, **options)
    return None if with_it is None else 100 * (1 - with_it / alone)


def side(job, target, on, seconds):
    """A stretch with the profiler going on, or halted."""
    (job.go_on if on else job.halt)()
    time.sleep(SWITCHED)
    return stretch(target, seconds)


def pairs_at_once(profiler, target, count, seconds, rate, **options):
    """Points lost of several pairs in one recording; who begins takes turns here as well."""
    job = profiler.start(target, 2 * count * (seconds + SWITCHED) + SETTLED + 5, rate, **options)
    found = []
    try:
        time.sleep(SETTLED)
        for turn in range(count):
            speed = {on: side(job, target, on, seconds) for on in (turn % 2 > 0, turn % 2 == 0)}
            found.append(100 * (1 - speed[True] / speed[False]))
        return found if job.runs() else []
    finally:
        job.go_on()
        job.stop()


def losses(profilers, target, pairs, seconds, rate, **options):
    """Points lost by profiler; those that hold their target get a tenth of the pairs, of longer
    stretches."""
    found = {profiler.name: Quartiles() for profiler in profilers}
    stretch(target, seconds)
    for turn in range(-(-pairs // AT_ONCE)):
        for profiler in profilers:
            series = found[profiler.name]
            if profiler.holds_target:
                attempt(series, pair, profiler, target, turn, 3 * seconds, rate, **options)
            else:
                attempt_all(series, pairs_at_once, profiler, target, min(pairs, AT_ONCE), seconds,
                            rate, **options)
    return found


def row(context, python, rate, name, limit):
    present, peers = context.present(python)
    with working(context, python) as target:
        found = losses((context.spy, *present), target, context.either(50, 2),
                       context.either(0.3, 0.1), rate)
    ours = found.pop("pyspyc")
    return Row("throughput lost, one thread, %s" % name, python.id, "≤ %d %%" % limit, ours,
               {**peers, **found}, table.at_most(table.median(ours), limit))


def cases(context):
    for python in context.pythons("3.12"):
        yield partial(row, context, python, 1000, "at 1 kHz", 1)
        yield partial(row, context, python, None, "flat out", 10)
