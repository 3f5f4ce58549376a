"""Subinterpreters, from 3.8 on: a thread each that waits in a function of a subinterpreter.

From 3.12 on, the subinterpreters have a GIL and an allocator of their own.
usage: interpreters.py [spin|fill]      fill: each keeps 200,000 strings
"""
import os
import sys
import threading

import truth

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

# Up to 3.11 an interpreter cannot ask another for the GIL: it must be let go.
SOURCE = """
import os
import time

kept = [str(number) for number in range({fill})]

def inside_{number}():
    end = time.time() + 60
    os.write({out}, b'.')
    if {spin}:
        while time.time() < end:
            sum(range(200000))
            {let_others}
    else:
        time.sleep(60)

inside_{number}()
"""


def run(identity, source):
    interpreters.run_string(identity, source)


def create():
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated")
    return interpreters.create()


spin = sys.argv[1:] == ["spin"]
fill = 200000 if sys.argv[1:] == ["fill"] else 0
identities = []
for number in range(2):
    end, out = os.pipe()
    identity = create()
    identities.append(int(identity))
    source = SOURCE.format(number=number, out=out, spin=spin, fill=fill,
                           let_others="time.sleep(0)" if sys.version_info < (3, 12) else "pass")
    thread = threading.Thread(target=run, args=(identity, source), name="runs-%d" % number)
    thread.daemon = True
    thread.start()
    os.read(end, 1)
truth.tell(waits=True, interpreters=identities)
truth.wait()
os._exit(0)
