"""Grows and shrinks by known steps, one each time a line comes in.

For a line it grows by SIZE megabytes in grow(), a megabyte every few milliseconds, for the next one
in grow_more() by half of that, then it lets all go in shrink(), and so on. It tells when each is done.

usage: grows.py SIZE
"""
import sys
import time

import truth

MEGABYTE = 1 << 20
kept = []


def linger(seconds=0.004):
    end = time.time() + seconds
    while time.time() < end:
        pass


def grow(size):
    for _ in range(size):
        kept.append(bytearray(MEGABYTE))  # @grow
        linger()


def grow_more(size):
    for _ in range(size // 2):
        kept.append(bytearray(MEGABYTE))  # @grow_more
        linger()


def shrink(_size):
    while kept:
        kept.pop()  # @shrink
        linger(0.002)


def main():
    size = int(sys.argv[1])
    truth.tell(waits=True)
    while True:
        for step in (grow, grow_more, shrink):
            if not truth.wait():
                return
            step(size)
            truth.tell(step=step.__name__, waits=True)


main()
