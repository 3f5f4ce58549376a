"""Collects garbage in collects(), computes in computes(), and tells how long each took.

usage: collects.py explicit|automatic

With explicit it calls gc.collect(), with automatic it makes so many objects that the collector
runs by itself, whose time gc.callbacks tell. Another thread only waits. Each SIGUSR1 makes it
tell the seconds since it began, and those in the collector.
"""
import gc
import signal
import sys
import threading
import time

import truth

clock = getattr(time, "perf_counter", time.time)
explicit = sys.argv[1] == "explicit"
kept = [[i] for i in range(300000 if explicit else 100000)]
spent = [0.0, 0.0]  # in the collector; when it began to run


def notice(phase, _information):
    if phase == "start":
        spent[1] = clock()
    else:
        spent[0] += clock() - spent[1]


def collects():
    begin = clock()
    gc.collect()
    if not hasattr(gc, "callbacks"):
        spent[0] += clock() - begin


def computes():
    total = 0
    for i in range(300000):
        total += i
    return total


def allocates():
    for _ in range(20):
        made = [[] for _ in range(5000)]
        for one in made:
            one.append(one)


def waits():
    threading.Event().wait()


def tell(*_):
    truth.tell(seconds=clock() - started, collecting=spent[0])


if hasattr(gc, "callbacks"):
    gc.callbacks.append(notice)
if explicit:
    gc.disable()
else:
    gc.set_threshold(2000, 2, 2)
thread = threading.Thread(target=waits, name="waits")
thread.daemon = True
thread.start()
started = clock()
signal.signal(signal.SIGUSR1, tell)
truth.tell()
while True:
    if explicit:
        collects()
        computes()
    else:
        allocates()
        computes()
