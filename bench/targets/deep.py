"""One thread that computes at a depth. usage: deep.py SECONDS DEPTH"""
import sys
import time

import truth


def leaf(end):
    total = 0
    while time.time() < end:
        for i in range(10000):
            total += i


def recurse(depth, end):
    if depth == 0:
        leaf(end)
    else:
        recurse(depth - 1, end)


sys.setrecursionlimit(10000)
truth.tell()
recurse(int(sys.argv[2]), time.time() + float(sys.argv[1]))
