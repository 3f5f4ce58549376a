"""Waits in every way that a signal could cut short, and counts what came back too early or failed.

usage: waits.py SECONDS
"""
import os
import select
import sys
import threading
import time

import truth

clock = time.monotonic
reader, writer = os.pipe()
epoll = select.epoll()
epoll.register(reader, select.EPOLLIN)
poll = select.poll()
poll.register(reader, select.POLLIN)
lock = threading.Lock()
lock.acquire()
EACH = 0.02
WAYS = {
    "sleep": lambda: time.sleep(EACH),
    "select": lambda: select.select([reader], [], [], EACH),
    "poll": lambda: poll.poll(EACH * 1000),
    "epoll": lambda: epoll.poll(EACH),
    "lock": lambda: lock.acquire(timeout=EACH),
    "event": lambda: threading.Event().wait(EACH),
}
truth.tell()
wrong = []
end = clock() + float(sys.argv[1])
rounds = 0
while clock() < end:
    for name, wait in WAYS.items():
        begin = clock()
        try:
            result = wait()
        except Exception as error:
            wrong.append("%s: %r" % (name, error))
            continue
        if result and result != ([], [], []) or clock() - begin < EACH * 0.9:
            wrong.append("%s: %r after %.4f" % (name, result, clock() - begin))
    rounds += 1
print("wrong %s" % wrong)
