"""A thread whose function's file name lies in memory that nobody can read.

"hidden" waits in hides(), a function compiled with a file name so long that it has pages of its
own, and these are made unreadable meanwhile. "plain" waits in shows(); the main thread computes.

usage: unreadable.py SECONDS
"""
import ctypes
import mmap
import os
import sys
import threading
import time

import truth

LONG = 1 << 20
HIDES = "def hides(gate):\n    begun.release()\n    os.read(gate, 1)\n"
PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
begun = threading.Semaphore(0)
gates = [os.pipe(), os.pipe()]


def shows(gate):
    begun.release()
    os.read(gate, 1)


def protect(address, how):
    """The pages of a long string at this address; nobody may so much as count a reference to it."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = address & ~(mmap.PAGESIZE - 1)
    if libc.mprotect(ctypes.c_void_p(first), ctypes.c_size_t(LONG), how):
        raise OSError(ctypes.get_errno(), "mprotect")


def compute(end):
    while time.time() < end:
        sum(range(1000))


def main():
    names = {"begun": begun, "os": os}
    exec(compile(HIDES, "f" * LONG, "exec"), names)
    address = id(names["hides"].__code__.co_filename)
    threads = [threading.Thread(target=names["hides"], name="hidden", args=(gates[0][0],)),
               threading.Thread(target=shows, name="plain", args=(gates[1][0],))]
    for thread in threads:
        thread.start()
        begun.acquire()
    protect(address, PROT_NONE)
    truth.tell()
    try:
        compute(time.time() + float(sys.argv[1]))
    finally:
        protect(address, PROT_READ | PROT_WRITE)
        for gate in gates:
            os.write(gate[1], b"x")
        for thread in threads:
            thread.join()


main()
