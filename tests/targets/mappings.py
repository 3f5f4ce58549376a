"""Has a great many mappings, or one of huge pages: usage: mappings.py many|huge COUNT

Tells how many bytes it has touched.
"""
import ctypes
import mmap
import sys

import truth

PAGE = mmap.PAGESIZE
HUGE = 2 << 20
READ_ONLY = 1
MADV_HUGEPAGE = 14

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def address_of(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def private(size):
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def many(count):
    """Every other page may be written to, so that each is a mapping of its own."""
    memory = private(count * PAGE)
    start = address_of(memory)
    ctypes.memset(start, 1, count * PAGE)
    for i in range(0, count, 2):
        if libc.mprotect(start + i * PAGE, PAGE, READ_ONLY):
            sys.exit("mprotect: errno %d" % ctypes.get_errno())
    return memory, count * PAGE


def huge(count):
    """Whether the kernel gives huge pages is its own affair."""
    memory = private((count + 1) * HUGE)
    start = (address_of(memory) + HUGE - 1) // HUGE * HUGE
    libc.madvise(start, count * HUGE, MADV_HUGEPAGE)
    ctypes.memset(start, 1, count * HUGE)
    return memory, count * HUGE


kept, touched = {"many": many, "huge": huge}[sys.argv[1]](int(sys.argv[2]))
truth.tell(touched=touched)
truth.wait()
