"""Allocates known amounts on known lines, and writes what each of them made of its own memory.

    mem_truth.py SCENARIO MEGABYTES ROUNDS [PROC]

PROC is a descriptor of /proc, for one whose root has none.

It begins when a line comes in. On every step it reads its own /proc/self/statm and its thread's page
faults before and after. At the end it tells by how many bytes RSS grew and shrank on each line, by
number, and VmHWM. A fault brings a page, or many where pages are huge: a line has grown by the larger
of the two figures, for an allocator may give back at the same time what others no longer use.
"""
import json
import os
import resource
import sys
import threading
import time

import truth

try:
    import numpy
except ImportError:
    numpy = None

PAGE = os.sysconf("SC_PAGESIZE")
PROC = int(sys.argv[4]) if len(sys.argv) > 4 else os.open("/proc", os.O_RDONLY)
STATM = os.open("self/statm", os.O_RDONLY, dir_fd=PROC)
LITTLE = 200000
LOCK = threading.Lock()
grown = {}
released = {}


def rss():
    return int(os.pread(STATM, 256, 0).split()[1]) * PAGE


def faults():
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_minflt + usage.ru_majflt


def book(line, before, after, count=0):
    more = max(after - before, count * PAGE)
    with LOCK:
        grown[line] = grown.get(line, 0) + more
        released[line] = released.get(line, 0) + more - (after - before)


def line_of(function, offset=0):
    return function.__code__.co_firstlineno + 1 + offset


# Each of these grows on its first line.
def by_bytearray(size):
    return bytearray(size)


def by_bytes(size):
    return b"x" * size


def by_list(size):
    return [None] * (size // 8)


def by_objects(size):
    return [float(n) for n in range(size // 32)]


def by_small(size):
    return [bytes(100 + n % 300) for n in range(size // 280)]


def by_join(size):
    return "".join(["x" * 1000] * (size // 1000))


def by_zlib(size):
    return zlib.decompress(PACKED[size])


def by_array(size):
    return array.array("d", [0.0]) * (size // 8)


def by_ctypes(size):
    return [b for b in [mmap.mmap(-1, size)] if ctypes.memset(address(b), 1, size)]


def by_json(size):
    return json.loads(TEXTS[size])


def by_numpy(size):
    return numpy.ones(size // 8)


def by_slow(size):
    return [(time.sleep(0.002), bytearray(1 << 18)) for n in range(size >> 18)]


def release(kept):
    kept.clear() if hasattr(kept, "clear") else kept.__delitem__(slice(None))


FUNCTIONS = {
    "simple": [by_bytearray, by_bytes, by_list, by_objects],
    "c": [by_join, by_zlib, by_array, by_ctypes, by_json],
    "numpy": [by_numpy, by_bytearray],
    "slow": [by_slow],
}


def step(function, size, kept):
    line = line_of(function)
    before, count = rss(), faults()
    made = function(size)
    count, after = faults() - count, rss()
    kept.append(made)
    book(line, before, after, count)


def let_go(kept):
    before = rss()
    release(kept)
    after = rss()
    book(line_of(release), before, after)


def pause(seconds):
    end = time.time() + seconds / 2
    while time.time() < end:
        pass
    time.sleep(seconds / 2)


def serial(functions, size, rounds):
    kept = []
    for _ in range(rounds):
        for function in functions:
            step(function, size, kept)
            pause(0.01)
        let_go(kept)
        pause(0.01)


def reused(size, rounds):
    """What grows finds room in the midst of what was let go before, and goes on elsewhere."""
    for _ in range(rounds):
        kept = []
        for function in (by_objects, by_bytes, by_small):
            step(function, size, kept)
            pause(0.005)
        for part in kept[0], kept[2]:
            del part[::2]
        pause(0.005)
        for function in (by_objects, by_small, by_list):
            step(function, 2 * size, kept)
            pause(0.005)
        let_go(kept)
        pause(0.005)


def little(size, rounds):
    """Some pages at a time, and something else after each time."""
    kept = []
    for _ in range(size * rounds // LITTLE):
        step(by_bytearray, LITTLE, kept)
        pause(0.005)
    let_go(kept)


def threads(size, rounds):
    """One grows after the other, while the others compute or sleep."""
    turns = [threading.Event() for _ in range(4)]
    ends = [False]

    def run(number, function):
        kept = []
        for _ in range(rounds):
            while not turns[number].wait(0.001):
                pass
            turns[number].clear()
            step(function, size, kept)
            if not number:
                let_go(kept)
            turns[(number + 1) % 3].set()

    def compute():
        while not ends[0]:
            sum(range(1000))

    workers = [threading.Thread(target=run, args=(n, f))
               for n, f in enumerate((by_bytearray, by_bytes, by_objects))]
    busy = threading.Thread(target=compute)
    busy.start()
    turns[0].set()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ends[0] = True
    busy.join()


def peak():
    with os.fdopen(os.open("self/status", os.O_RDONLY, dir_fd=PROC)) as status:
        return [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")][0]


def main():
    scenario = sys.argv[1]
    size, rounds = int(sys.argv[2]) << 20, int(sys.argv[3])
    prepare(scenario, size)
    truth.tell(waits=True)
    while truth.wait():
        grown.clear()
        released.clear()
        if scenario in ("little", "reused", "threads"):
            globals()[scenario](size, rounds)
        else:
            serial(FUNCTIONS[scenario], size, rounds)
        truth.tell(grown=grown, released=released, peak=peak(), waits=True)


def prepare(scenario, size):
    """What the steps need is there before the first of them."""
    global zlib, array, ctypes, mmap, address, PACKED, TEXTS
    if scenario == "c":
        import array
        import ctypes
        import mmap
        import zlib
        PACKED = {size: zlib.compress(b"\0" * size)}
        TEXTS = {size: "[" + ", ".join(["1.5"] * (size // 32)) + "]"}

        def address(buffer):
            return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


main()
