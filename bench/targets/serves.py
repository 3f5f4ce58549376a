"""Sleeps and works in turn, as a server does, grows by a little each time and gives all back now
and then. usage: serves.py"""
import time

import truth

SIZE, MOST = 200000, 500
kept = []


def answer():
    kept.append(bytearray(SIZE))
    if len(kept) == MOST:
        kept.clear()
    return sum(range(20000))


truth.tell()
while True:
    answer()
    time.sleep(0.01)
