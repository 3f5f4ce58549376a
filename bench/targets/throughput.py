"""Counts the work it does in a file, as 64-bit numbers, one for each thread that works: whoever
reads them twice knows the throughput, without the target's help.

usage: throughput.py FILE DEPTH [SPINNING WAITING]: work is done in the main thread, or, when there
are others, in SPINNING threads at DEPTH, beside WAITING ones that wait for ever.
"""
import mmap
import sys
import threading

import truth

never = threading.Event()
begin = threading.Event()
begun = threading.Semaphore(0)


def work(n):
    x = 0
    for i in range(n):
        x += i * i
    return x


def spin(counts, index):
    while True:
        work(200)
        counts[index] += 1


def recurse(depth, *arguments):
    return recurse(depth - 1, *arguments) if depth else spin(*arguments)


def spinning(*arguments):
    begun.release()
    begin.wait()
    recurse(*arguments)


def waiting():
    begun.release()
    never.wait()


def start(function, arguments, name):
    thread = threading.Thread(target=function, args=arguments, name=name)
    thread.daemon = True
    thread.start()
    begun.acquire()


def main():
    name, depth = sys.argv[1], int(sys.argv[2])
    spinners, waiters = map(int, sys.argv[3:5] or (0, 0))
    threading.stack_size(256 * 1024)
    with open(name, "r+b") as file:
        file.truncate(8 * max(1, spinners))
        counts = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    for index in range(waiters):
        start(waiting, (), "wait-%d" % index)
    for index in range(spinners):
        start(spinning, (depth, counts, index), "spin-%d" % index)
    truth.tell()
    begin.set()
    if not spinners:
        recurse(depth, counts, 0)
    never.wait()


main()
