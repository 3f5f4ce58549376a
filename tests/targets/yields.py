"""Frames that come and go at the innermost end without a call: generators, yield from, coroutines.

Whatever runs here, runs below <module>. usage: yields.py SECONDS
"""
import sys
import time

import truth


def numbers():
    for i in range(50):
        yield i


def passed_on():
    for i in numbers():
        yield i


def loops():
    for _ in range(20):
        for _ in numbers():
            pass
        for _ in passed_on():
            pass


def walk(end):
    while time.time() < end:
        loops()


truth.tell()
walk(time.time() + float(sys.argv[1]))
