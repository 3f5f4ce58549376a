"""Has memory of every kind, of which it knows how much it has touched.

usage: segments.py FOLDER      where it makes the file that it maps
"""
import mmap
import os
import sys
import threading

import truth

PAGE = mmap.PAGESIZE
MEGABYTE = 1 << 20


def descend(depth, until):
    """Uses C's stack, of old versions at least, and Python's frames."""
    if depth:
        return descend(depth - 1, until)
    return until.wait()


def main():
    path = os.path.join(sys.argv[1], "data with blanks \\ and\nmore.bin")
    with open(path, "wb") as file:
        file.write(b"x" * (64 * PAGE))
    file = open(path, "rb")
    mapped = mmap.mmap(file.fileno(), 64 * PAGE, access=mmap.ACCESS_READ)
    touched = sum(len(mapped[i * PAGE:i * PAGE + 1]) for i in range(64))
    shared = mmap.mmap(-1, 8 * MEGABYTE)
    for i in range(0, 3 * MEGABYTE, PAGE):
        shared[i:i + 1] = b"s"
    block = bytearray(b"b") * (50 * MEGABYTE)
    small = [[i] for i in range(300000)]
    least = sum(sys.getsizeof(item) for item in small)
    threading.stack_size(16 * MEGABYTE)
    until = threading.Event()
    thread = threading.Thread(target=descend, args=(200, until), name="the digger")
    thread.daemon = True
    thread.start()
    truth.tell(file=path, touched=touched * PAGE, shared=3 * MEGABYTE, block=len(block), small=least,
               stack=16 * MEGABYTE, waits=True)
    truth.wait()
    until.set()


main()
