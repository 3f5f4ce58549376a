"""Computes and sleeps in turn, at absolute times: in step with any rate it is told.

Each cycle begins a whole number of cycles after the first, however late the one before ended. At
its end (also by SIGTERM) it tells what it took: {"truth": {"cpu": s, "works": s, "wall": s}}, by
the thread's clock, and by the wall's in works() and in all.

usage: instep.py SECONDS ON OFF [FILE]: ON and OFF in milliseconds; FILE gets what is told as well
"""
import json
import signal
import sys
import time

import truth

cpu_clock = getattr(time, "thread_time", None) or getattr(time, "clock", None) or time.process_time
wall_clock = getattr(time, "monotonic", time.time)
stopped = []


def works(until):
    total = 0
    while wall_clock() < until:
        for i in range(10):
            total += i
    return total


def rests(until):
    left = until - wall_clock()
    if left > 0:
        time.sleep(left)


def main():
    seconds, on, off = float(sys.argv[1]), float(sys.argv[2]) / 1000, float(sys.argv[3]) / 1000
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    truth.tell()
    cycle = 0
    working = cpu = 0.0
    start = wall_clock()
    while not stopped and cycle * (on + off) < seconds:
        due = start + cycle * (on + off)
        now, cpu_now = wall_clock(), cpu_clock()
        works(due + on)
        working += wall_clock() - now
        cpu += cpu_clock() - cpu_now
        rests(due + on + off)
        cycle += 1
    told = {"cpu": cpu, "works": working, "wall": wall_clock() - start}
    truth.tell(truth=told)
    if len(sys.argv) > 4:
        with open(sys.argv[4], "w") as file:
            json.dump(told, file)


main()
