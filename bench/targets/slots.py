"""Is in slot_<N> during the millisecond N of the system's monotonic clock, modulo SLOTS.

usage: slots.py SECONDS
"""
import sys
import time

import truth

SLOTS = 4000
space = {"clock": time.monotonic, "slots": SLOTS}
exec("\n".join("def slot_%d():\n    while int(clock() * 1000) %% slots == %d: pass" % (n, n)
               for n in range(SLOTS)), space)
slots = [space["slot_%d" % n] for n in range(SLOTS)]


def main():
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        slots[int(time.monotonic() * 1000) % SLOTS]()


truth.tell()
main()
