"""Threads that wait for long and work for a moment, and threads that do the opposite, by turns.

"works-N" is mostly in waits() and for a while in works(), which computes in C without the GIL when
N is odd; "rests-N" is mostly in works() and for a while in waits(). The program tells the share of
the wall time that each of the threads has spent in works() at its end, SIGTERM.

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
clock = time.perf_counter


def works(seconds, native):
    until = clock() + seconds
    while clock() < until:
        if native:
            zlib.compress(DATA, 1)
        for i in range(100):
            i * i


def waits(seconds):
    time.sleep(seconds)


def turns(shares, name, working, waiting, native):
    worked = waited = 0.0
    while not ended.is_set():
        begin = clock()
        works(working, native)
        between = clock()
        waits(waiting)
        worked += between - begin
        waited += clock() - between
        shares[name] = worked / (worked + waited)


def main():
    count, long, short = int(sys.argv[1]), float(sys.argv[2]) / 1000, float(sys.argv[3]) / 1000
    shares = {}
    for index in range(2 * count):
        name = ("works-%d" if index < count else "rests-%d") % (index % count)
        times = (short, long) if index < count else (long, short)
        thread = threading.Thread(target=turns, name=name, args=(shares, name, *times, index % 2))
        thread.daemon = True
        thread.start()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    truth.tell()
    ended.wait()
    truth.tell(truth=shares)


main()
