"""Ten named threads and the main one, all asleep; their idents and names are told.

usage: threads.py [spin]: with spin, two more threads, "spin-0" and "spin-1", compute
"""
import sys
import threading
import time

import truth

never = threading.Event()
identities = {}
started = threading.Semaphore(0)


def identify():
    thread = threading.current_thread()
    native = getattr(threading, "get_native_id", lambda: None)()
    identities[thread.name] = [thread.ident, native]
    started.release()


def sleeper():
    identify()
    never.wait()  # @sleeper


def spinner():
    identify()
    end = time.time() + 120
    while time.time() < end:
        total = 0
        for i in range(5000):
            total += i


def start(target, name):
    thread = threading.Thread(target=target, name=name)
    thread.daemon = True
    thread.start()
    started.acquire()


for index in range(10):
    start(sleeper, "CustomThreadName-%d" % index)
if sys.argv[1:] == ["spin"]:
    for index in range(2):
        start(spinner, "spin-%d" % index)
identify()
truth.tell(waits=True, threads=identities)
truth.wait()  # @main
