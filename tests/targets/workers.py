"""Many worker processes; worker number N is in work_N() and nowhere else.

usage: workers.py SECONDS WORKERS [short]: with short, every other worker ends after half the time
"""
import os
import signal
import sys
import time

import truth


def doze(until):
    while time.time() < until:
        time.sleep(0.02)


def worker(number, until):
    """Runs a function that no other process has."""
    names = {"doze": doze}
    exec("def work_%d(until):\n    doze(until)\n" % number, names)
    names["work_%d" % number](until)


def main():
    seconds, count = float(sys.argv[1]), int(sys.argv[2])
    short = sys.argv[3:] == ["short"]
    begin = time.time()
    pids = {}
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            worker(number, begin + (seconds / 2 if short and number % 2 else seconds))
            os._exit(0)
        pids[number] = pid
    truth.tell(workers=pids)
    try:
        doze(begin + seconds)
    finally:
        for pid in pids.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
            os.waitpid(pid, 0)


main()
