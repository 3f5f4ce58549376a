"""A thread for each way of waiting or computing; each in a function of its name, a thread too.

usage: idles.py waits|natives|KIND...

Every kind in WAITS waits for ever and uses no CPU; every one in NATIVES computes in C all the
time, without the GIL (but for digest() where hashlib has no OpenSSL; "keeps" tells). NumPy's is
there where NumPy is.
"""
import hashlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
import zlib

try:
    import queue
except ImportError:
    import Queue as queue
try:
    import _hashlib
except ImportError:
    _hashlib = None
try:
    import numpy
except ImportError:
    numpy = None

import truth

DATA = os.urandom(1 << 20) * 16


def sleep():
    while True:
        time.sleep(1000)


def in_select():
    reader, _ = pipe()
    select.select([reader], [], [])


def in_poll():
    reader, _ = pipe()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.poll()


def in_epoll():
    reader, _ = pipe()
    epoll = select.epoll()
    epoll.register(reader, select.EPOLLIN)
    epoll.poll()


def lock():
    held = threading.Lock()
    held.acquire()
    held.acquire()


def event():
    threading.Event().wait()


def event_timeout():
    while True:
        threading.Event().wait(1000)


def condition():
    made = threading.Condition()
    with made:
        made.wait()


def in_queue():
    queue.Queue().get()


def join():
    thread = start(sleep, "joined")
    thread.join()


def read_pipe():
    reader, _ = pipe()
    os.read(reader, 1)


def read_file():
    reader, _ = pipe()
    with os.fdopen(reader, "rb") as file:
        file.read(1)


def receive():
    one, _other = socket.socketpair()
    kept.append((one, _other))
    one.recv(1)


def receive_timeout():
    one, _other = socket.socketpair()
    one.settimeout(1000)
    kept.append((one, _other))
    one.recv(1)


def accept():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    server.accept()


def child():
    process = subprocess.Popen(["sleep", "1000"])
    kept.append(process)
    process.wait()


def compress():
    while True:
        zlib.compress(DATA, 6)


def digest():
    data = DATA if _hashlib else DATA[:1 << 16]  # with the GIL kept: so that others get it, too
    while True:
        hashlib.sha512().update(data)


def multiply():
    while True:
        numpy.dot(operand, operand, product)  # else it would make room with the GIL, each time


def pipe():
    ends = os.pipe()
    kept.append(ends)
    return ends


def start(function, name):
    thread = threading.Thread(target=function, name=name)
    thread.daemon = True
    thread.start()
    return thread


kept = []
WAITS = [sleep, in_select, in_poll, in_epoll, lock, event, condition, in_queue, join, read_pipe,
         read_file, receive, receive_timeout, accept, child]
if sys.version_info[0] > 2:
    WAITS.append(event_timeout)  # Python 2 does it by looking again and again
NATIVES = [compress, digest] + ([multiply] if numpy else [])
GROUPS = {"waits": WAITS, "natives": NATIVES}

chosen = []
for argument in sys.argv[1:]:
    chosen += GROUPS.get(argument) or [globals()[argument]]
if numpy and multiply in chosen:
    operand = numpy.ones((1500, 1500))
    product = numpy.dot(operand, operand)
for each in chosen:
    start(each, each.__name__)
truth.tell(waits=True, kinds=[each.__name__ for each in chosen],
           keeps=[] if _hashlib else ["digest"])
truth.wait()
