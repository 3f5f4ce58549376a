"""Many threads: "spin-N" in spinning(), which compute, and "wait-N" in waiting(), which wait.

usage: crowd.py SECONDS SPINNING WAITING
"""
import sys
import threading
import time

import truth

never = threading.Event()
begun = threading.Semaphore(0)
ready = threading.Event()


def spinning(end):
    begun.release()
    ready.wait()
    while time.time() < end:
        total = 0
        for i in range(1000):
            total += i


def waiting():
    begun.release()
    never.wait()


def main():
    seconds, spinners, waiters = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    threading.stack_size(256 * 1024)
    end = time.time() + seconds
    for index in range(spinners + waiters):
        if index < waiters:
            thread = threading.Thread(target=waiting, name="wait-%d" % index)
        else:
            thread = threading.Thread(target=spinning, args=(end,))
            thread.name = "spin-%d" % (index - waiters)
        thread.daemon = True
        thread.start()
    for _ in range(spinners + waiters):
        begun.acquire()
    truth.tell()
    ready.set()
    never.wait(seconds)


main()
