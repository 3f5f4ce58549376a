"""Eight chains of twelve short calls, walked in turn for as long as asked.

link<C>_<N> is called by link<C>_<N-1> alone and link<C>_0 by walk alone, so a stack that
mixes chains, leaves out a link or does not come from walk never existed.

usage: chains.py SECONDS [THREADS]: with so many other threads that do the same, and pass on the GIL
as often as they can
"""
import sys
import threading
import time

import truth

CHAINS = 8
LINKS = 12


def chain(number):
    """The first function of a chain whose links each live in a file of the chain's own."""
    lines = []
    for link in range(LINKS - 1):
        lines.append("def link%d_%d():" % (number, link))
        lines.append("    return link%d_%d()" % (number, link + 1))
    lines += ["def link%d_%d():" % (number, LINKS - 1),
              "    product = 1",
              "    for factor in (1, 2, 3):",
              "        product *= factor",
              "    return product"]
    names = {}
    exec(compile("\n".join(lines) + "\n", "chain%d.py" % number, "exec"), names)
    return names["link%d_0" % number]


def walk(chains, end):
    clock = time.time
    while clock() < end:
        for first in chains:
            first()


def main():
    walked = [chain(number) for number in range(CHAINS)], time.time() + float(sys.argv[1])
    for _ in range(int((sys.argv[2:] or [0])[0])):
        sys.setswitchinterval(0.0001)
        thread = threading.Thread(target=walk, args=walked)
        thread.daemon = True
        thread.start()
    truth.tell()
    return walked


walk(*main())
