"""Threads that live for a few milliseconds each, one set after the other, until SIGTERM.

A name says what its thread does: "brief-N" runs brief() and nothing else does.
"""
import signal
import sys
import threading
import time

import truth

stopped = []


def brief():
    end = time.time() + 0.01
    total = 0
    while time.time() < end:
        total += 1


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    truth.tell()
    end = time.time() + 120
    count = 0
    while not stopped and time.time() < end:
        threads = [threading.Thread(target=brief, name="brief-%d" % (count + i)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        count += 3
    print("threads %d" % count)
    sys.stdout.flush()


main()
