"""Knows all about its garbage collector, and shows it: collector.py state|inside|watch|load

state: brings the collector into a state of its own and waits in read(). inside: waits in a
weakref's callback, in the midst of a collection. watch: on a byte of input it collects a few
times, and tells when each collection began and ended. load: the same for three seconds, 200
small ones a second and each half second one that takes long.
"""
import gc
import os
import sys
import time
import weakref

import truth

clock = getattr(time, "perf_counter", time.time)


class Node(object):
    pass


def cycle():
    node = Node()
    node.me = node
    return node


def state():
    gc.disable()
    gc.set_threshold(5000, 7, 9)
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(3):
        cycle()
    gc.collect()
    gc.collect(0)
    gc.set_debug(gc.DEBUG_UNCOLLECTABLE | gc.DEBUG_SAVEALL)
    if hasattr(gc, "freeze"):
        gc.freeze()
    kept = [[] for _ in range(321)]
    truth.tell(stats=gc.get_stats() if hasattr(gc, "get_stats") else None,
               threshold=gc.get_threshold(), debug=gc.get_debug(), garbage=len(gc.garbage),
               frozen=gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else None)
    before = gc.get_count()
    truth.wait()
    after = gc.get_count()
    truth.tell(before=before, after=after, kept=len(kept))


def inside():
    gc.disable()
    node = cycle()
    reference = weakref.ref(node, lambda _: truth.wait())
    del node
    truth.tell()
    gc.collect()
    truth.tell(dead=reference() is None)
    truth.wait()


def notices(log):
    """A callback that notes generation, duration and what was found."""
    running = []

    def notice(phase, information):
        if phase == "start":
            running.append(clock())
        else:
            log.append([information["generation"], clock() - running.pop(),
                        information["collected"]])
    return notice


def watch():
    gc.disable()
    kept = [[i] for i in range(400000)]
    log = []
    gc.collect()
    truth.tell()
    truth.wait()
    if hasattr(gc, "callbacks"):
        gc.callbacks.append(notices(log))
    for turn in range(4):
        for generation in (2, 0):
            for _ in range(turn):
                cycle()
            begin = clock()
            found = gc.collect(generation)
            if not hasattr(gc, "callbacks"):
                log.append([generation, clock() - begin, found])
            time.sleep(0.02)
    truth.tell(log=log, kept=len(kept))
    truth.wait()


def load():
    gc.disable()
    kept = [[i] for i in range(700000)]
    log = []
    gc.collect()
    truth.tell()
    truth.wait()
    gc.callbacks.append(notices(log))
    for turn in range(600):
        begin = clock()
        cycle()
        gc.collect(2 if turn % 100 == 50 else 0)
        time.sleep(max(0, 0.005 - (clock() - begin)))
    gc.callbacks[:] = []
    truth.tell(log=log, kept=len(kept))
    truth.wait()


{"state": state, "inside": inside, "watch": watch, "load": load}[sys.argv[1]]()
