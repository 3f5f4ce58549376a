"""One thread that computes until SIGTERM, then says so and exits with status 7.

usage: spin.py [SECONDS]: ends by itself after SECONDS (120)
"""
import signal
import sys
import time

import truth

stopped = []


def inner(count):
    total = 0  # @spin
    for i in range(count):  # @spin
        total += i  # @spin
    return total  # @spin


def outer(end):
    total = 0
    while not stopped and time.time() < end:  # @outer
        total = inner(20000)  # @outer
    return total  # @outer


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    end = time.time() + (float(sys.argv[1]) if len(sys.argv) > 1 else 120)
    truth.tell()
    print("total %d" % outer(end))  # @main
    sys.stdout.flush()
    sys.exit(7)


main()  # @module
