"""Threads that start and die all the time, beside some that stay.

"stays" is in stays(), waiting, from beginning to end; "breeds" starts the others, "brief-N", which
are in brief() for about as long as told. At its end the program tells how many there were.

usage: mayflies.py SECONDS MILLISECONDS
"""
import sys
import threading
import time

import truth

end = threading.Event()
begun = threading.Semaphore(0)


def stays():
    begun.release()
    end.wait()


def brief(seconds):
    until = time.time() + seconds
    total = 0
    while time.time() < until:
        total += 1


def breeds(until, seconds, bred):
    begun.release()
    while time.time() < until:
        pair = [threading.Thread(target=brief, args=(seconds,), name="brief-%d" % (len(bred) + i))
                for i in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        bred += pair


def main():
    seconds, brevity = float(sys.argv[1]), float(sys.argv[2]) / 1000
    bred = []
    staying = threading.Thread(target=stays, name="stays")
    breeding = threading.Thread(target=breeds, args=(time.time() + seconds, brevity, bred),
                                name="breeds")
    for thread in (staying, breeding):
        thread.daemon = True
        thread.start()
    for _ in range(2):
        begun.acquire()
    truth.tell()
    while breeding.is_alive():
        breeding.join(0.05)
    end.set()
    staying.join()
    truth.tell(bred=len(bred))


main()
