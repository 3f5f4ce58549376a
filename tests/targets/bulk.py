"""Many threads with many functions: every thread is DEPTH calls deep in functions of its own.

All but two wait at the bottom of their stacks, call_THREAD_DEPTH; these two compute.

usage: bulk.py THREADS DEPTH
"""
import sys
import threading
import time

import truth

begun = threading.Semaphore(0)
ready = threading.Event()
never = threading.Event()


def wait():
    begun.release()
    never.wait()


def compute():
    begun.release()
    ready.wait()
    end = time.time() + 300
    while time.time() < end:
        total = 0
        for i in range(1000):
            total += i


def stack(thread, depth, bottom):
    """The outermost of DEPTH functions, each of which calls the next."""
    lines = []
    for level in range(depth):
        callee = "call_%d_%d" % (thread, level + 1) if level + 1 < depth else "bottom"
        lines.append("def call_%d_%d():\n    %s()\n" % (thread, level, callee))
    names = {"bottom": bottom}
    exec(compile("".join(lines), "/tmp/bulk_%d.py" % thread, "exec"), names)
    return names["call_%d_0" % thread]


def main():
    threads, depth = int(sys.argv[1]), int(sys.argv[2])
    threading.stack_size(256 * 1024)
    for index in range(threads):
        target = stack(index, depth, compute if index < 2 else wait)
        thread = threading.Thread(target=target, name="bulk-%d" % index)
        thread.daemon = True
        thread.start()
        begun.acquire()
    truth.tell()
    ready.set()
    never.wait(300)


main()
