"""Threads that wait for long and work for a moment, and threads that do the opposite, by turns.

"works-N" is mostly in waits() and for a while in works(), which computes in C without the GIL when
N is odd; "rests-N" is mostly in works() and for a while in waits(). At its end, SIGTERM, the
program tells from when to when (time.monotonic) each of the threads was in works(); null: until now.

usage: bursts.py THREADS LONG SHORT: so many of each kind; milliseconds
"""
import os
import signal
import sys
import threading
import time
import zlib

import truth

DATA = os.urandom(1 << 16)
ended = threading.Event()
clock = time.monotonic


def works(seconds, native):
    until = clock() + seconds
    while clock() < until:
        if native:
            zlib.compress(DATA, 1)
        for i in range(100):
            i * i


def waits(seconds):
    time.sleep(seconds)


def turns(spans, working, waiting, native):
    while not ended.is_set():
        spans.append([clock(), None])
        works(working, native)
        spans[-1][1] = clock()
        waits(waiting)


def main():
    count, long, short = int(sys.argv[1]), float(sys.argv[2]) / 1000, float(sys.argv[3]) / 1000
    spans = {}
    for index in range(2 * count):
        name = ("works-%d" if index < count else "rests-%d") % (index % count)
        times = (short, long) if index < count else (long, short)
        spans[name] = []
        thread = threading.Thread(target=turns, name=name, args=(spans[name], *times, index % 2))
        thread.daemon = True
        thread.start()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    truth.tell()
    ended.wait()
    truth.tell(truth=spans)


main()
