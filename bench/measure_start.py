"""Milliseconds from the start of a recording (the program's start, attach included) to its first
sample. The target's function tells the millisecond in which it runs; the earliest one that is in
the profile counts. Recorded at 1 kHz."""

import re
import time
from functools import partial

import table
from peers import attempt
from table import Row, Series

TITLE = "The first sample"
SLOTS = 4000  # as in targets/slots.py


def first_sample(profiler, target, seconds):
    begin = time.monotonic() * 1000
    recording = profiler.record(target, seconds, 1000)
    slots = {int(match[1]) for frames, _ in recording.stacks for match in
             (re.fullmatch(r"slot_(\d+)", frame.name) for frame in frames) if match}
    if not slots:
        return None
    return min((slot + 1 - begin) % SLOTS for slot in slots)


def row(context, python):
    present, peers = context.present(python)
    profilers = (context.spy, *present)
    found = {profiler.name: Series() for profiler in profilers}
    with context.target(python, "slots.py", 600) as target:
        for turn in range(context.either(9, 3)):
            for profiler in profilers:
                if profiler is context.spy or turn % 5 == 0:
                    attempt(found[profiler.name], first_sample, profiler, target,
                            0.3 if profiler is context.spy else 1)
    ours = found.pop("pyspyc")
    return Row("first sample after, ms", python.id, "≤ 20", ours, {**peers, **found},
               table.at_most(table.median(ours), 20))


def cases(context):
    for python in context.pythons("3.8", "3.12", "3.15"):
        yield partial(row, context, python)
