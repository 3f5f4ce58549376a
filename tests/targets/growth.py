"""Grows and shrinks by known amounts on known lines of one function, and measures itself what each
of them did to RSS (without /proc: tells what is known of it). It begins when a line comes in, and
tells {"lines": {line: bytes}, "seconds": …}: what it took, without lingering between the lines.

usage: growth.py [SCALE]: of the amounts, 1 when not given. Under `python -m memory_profiler` the
function is profiled by that as well.
"""
import builtins
import ctypes
import os
import sys
import time

import truth

PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1 << 20
profiled = getattr(builtins, "profile", lambda function: function)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


class Account:
    """What each line did to RSS, as mark() is told it on the next line, where it lingers a little."""

    def __init__(self):
        self.file = None
        if os.path.exists("/proc/self/statm"):
            self.file = open("/proc/self/statm", "rb", buffering=0)
        self.lines = {}
        self.lingered = 0.0
        self.rss = self.read()

    def read(self):
        if not self.file:
            return 0
        self.file.seek(0)
        return int(self.file.read().split()[1]) * PAGE

    def mark(self, line, known):
        """known: the bytes by which it grew, roughly; None: not known."""
        rss = self.read()
        if self.file or known is not None:
            self.lines[line] = rss - self.rss if self.file else known
        self.rss = rss
        begin = time.time()
        while time.time() < begin + 0.01:
            pass
        self.lingered += time.time() - begin


def here():
    return sys._getframe(1).f_lineno


def in_c(size):
    """Memory that only C code knows of."""
    address = libc.malloc(size)
    libc.memset(address, 1, size)
    return address


def many(count):
    """Objects, from arenas of the interpreter's own."""
    return [(number, str(number)) for number in range(count)]


def compute(rounds):
    total = 0
    for number in range(rounds):
        total += number * number
    return total


@profiled
def grow(account, scale):
    mark, mega = account.mark, int(scale * MEGABYTE)
    one = bytearray(40 * mega)  # @one
    mark(here() - 1, 40 * mega)
    pieces = [bytearray(mega) for _ in range(20)]  # @pieces
    mark(here() - 1, 20 * mega)
    objects = many(int(200000 * scale))  # @objects
    mark(here() - 1, None)
    compute(400000)  # @nothing
    mark(here() - 1, 0)
    address = in_c(30 * mega)  # @c
    mark(here() - 1, 30 * mega)
    del one  # @del
    mark(here() - 1, -40 * mega)
    pieces.clear()  # @clear
    mark(here() - 1, -20 * mega)
    libc.free(address)  # @free
    mark(here() - 1, -30 * mega)
    text = "x" * (25 * mega)  # @text
    mark(here() - 1, None)
    total = 0
    for number in range(20000):
        total += number % 7
    mark(here() - 1, 0)
    return objects, text, total


def main():
    account = Account()
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1
    truth.tell(waits=True)
    truth.wait()
    account.rss = account.read()
    begin = time.time()
    kept = grow(account, scale)
    seconds = time.time() - begin - account.lingered
    truth.tell(lines=account.lines, seconds=seconds, rss=account.rss, waits=True)
    truth.wait()
    del kept


main()
