"""Four functions with known shares of the CPU, 50/30/15/5, by the thread's own clock.

They work in short units, dealt in random order. Each works in its own way, so that a sampler that
prefers stacks which are easy to read shows it: take_50 makes short calls, take_30 loops, take_15
recurses, take_5 is in C. At its end (also by SIGTERM) the program tells what each took, by thread:
{"truth": {THREAD: {FUNCTION: seconds}}}.

usage: shares.py SECONDS [THREADS [FILE [MICROSECONDS]]]: in the main thread (0), or in as many
       others; FILE (not "") gets what is told as well; MICROSECONDS is a unit's length (200)
"""
import json
import random
import signal
import sys
import threading
import time

import truth

DECK = (50,) * 10 + (30,) * 6 + (15,) * 3 + (5,)
clock = getattr(time, "thread_time", None) or getattr(time, "clock", None) or time.process_time
stopped = []


def tiny(value):
    return value


def take_50(count):
    for i in range(count):
        tiny(i)


def take_30(count):
    total = 0
    for i in range(count):
        total += i * i
    return total


def descend(depth):
    return depth and descend(depth - 1)


def take_15(count):
    for _ in range(count):
        descend(9)


def take_5(count):
    return sum(range(count))


WORK = {50: take_50, 30: take_30, 15: take_15, 5: take_5}


def calibrated(work, unit):
    """The count with which work takes so many seconds."""
    count, took = 8, 0.0
    while took < 0.001:
        count *= 2
        took = min(timed(work, count) for _ in range(5))
    return max(1, int(count * unit / took))


def timed(work, count):
    begin = clock()
    work(count)
    return clock() - begin


def deal(counts, taken, end, seed):
    """Works until the end, and adds up what each function took."""
    chance = random.Random(seed)
    deck = list(DECK)
    while time.time() < end and not stopped:
        chance.shuffle(deck)
        now = clock()
        for card in deck:
            WORK[card](counts[card])
            before, now = now, clock()
            taken[card] += now - before


def main():
    seconds = float(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    unit = float(sys.argv[4]) if len(sys.argv) > 4 else 200.0
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    counts = {card: calibrated(work, unit / 1e6) for card, work in WORK.items()}
    names = ["deal-%d" % index for index in range(threads)] or ["MainThread"]
    taken = {name: dict.fromkeys(WORK, 0.0) for name in names}
    end = time.time() + seconds
    if threads:
        started = [threading.Thread(target=deal, name=name, args=(counts, taken[name], end, index))
                   for index, name in enumerate(names)]
        for thread in started:
            thread.start()
        truth.tell()
        for thread in started:
            while thread.is_alive():  # so that a signal is handled
                thread.join(0.05)
    else:
        truth.tell()
        deal(counts, taken["MainThread"], end, 0)
    told = {name: {"take_%d" % card: spent for card, spent in each.items()}
            for name, each in taken.items()}
    truth.tell(truth=told)
    if sys.argv[3:] and sys.argv[3]:
        with open(sys.argv[3], "w") as file:
            json.dump(told, file)


main()
