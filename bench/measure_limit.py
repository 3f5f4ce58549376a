"""How far a sample is from the physical limit: CPU per sample, flat out at depth 32, as a multiple
of what the system takes for one bare read of 4 KB (bare_read.c), which takes turns with it. And at
100 Hz, start and end left in, as a multiple of what it takes to wake up as often for nothing but
that read. For information: a sample cannot do with less than one system call, and has more to read
than one page that nobody writes to."""

import shutil
import subprocess
from functools import partial

import table
from peers import BENCH, Failed, attempt
from process import run
from table import Row, Series

TITLE = "The physical limit"
CALLS = 100000
RATE = 100


def compiled(context):
    program = context.folder / "bare_read"
    compiler = shutil.which("cc")
    if not compiler:
        raise Failed("no C compiler")
    if not program.exists():
        subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-o", program, BENCH / "bare_read.c"],
                       check=True)
    return program


def bare_read(program, target, *calls):
    """Microseconds."""
    ended = run([program, target.pid, *calls])
    if ended.status != 0:
        raise Failed("bare_read ended with %d" % ended.status)
    return float(ended.out) / 1000


def against(context, python, what, rounds, calls, cost, note):
    """cost(profiler, target) in microseconds, over a bare read that comes right before it."""
    program = compiled(context)
    present, peers = context.present(python)
    profilers = (context.spy, *(peer for peer in present if peer is not context.pyspy))
    found = {profiler.name: Series() for profiler in profilers}
    reads = Series()
    with context.target(python, "deep.py", 600, 32) as target:
        for _ in range(rounds):
            for profiler in profilers:
                limit = reads.add(bare_read(program, target, *calls))
                attempt(found[profiler.name], lambda profiler=profiler, limit=limit:
                        cost(profiler, target) / limit)
    ours = found.pop("pyspyc")
    ours.note = ours.note or note % reads
    return Row(what, python.id, "", ours, {**peers, **found},
               table.Verdict(table.OPEN, "for information"))


def flat_out(context, python):
    return against(context, python, "CPU per sample, × of a bare read", context.either(5, 2), (CALLS,),
                   lambda profiler, target: profiler.record(target, 1).cpu_per_sample * 1e6,
                   "a read: %s µs")


def awake(context, python):
    seconds = context.either(5, 2)
    moments = seconds * RATE
    return against(context, python, "CPU at %d Hz, × of waking and a bare read" % RATE,
                   context.either(5, 1), (moments, RATE),
                   lambda profiler, target:
                   profiler.record(target, seconds, RATE).cpu * 1e6 / moments,
                   "waking and a read: %s µs")


def cases(context):
    for python in context.pythons("3.8", "3.10", "3.12", "3.15"):
        yield partial(flat_out, context, python)
    for python in context.pythons("3.12"):
        yield partial(awake, context, python)
