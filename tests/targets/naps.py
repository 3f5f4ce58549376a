"""Sleeps in system calls that end early, and are not restarted, when their thread is stopped.

usage: naps.py ROUNDS; tells when it begins, and {"naps": [seconds], "early": errors} at its end.
"""
import select
import socket
import struct
import sys
import time

import truth

NAP = 0.2
left, right = socket.socketpair()
left.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, int(NAP * 1000000)))
poll = select.epoll()
poll.register(right.fileno(), select.EPOLLIN)
naps, early = [], 0
truth.tell()
for _ in range(int(sys.argv[1])):
    for call in (lambda: left.recv(1), lambda: poll.poll(NAP)):
        begin = time.time()
        try:
            call()
        except (IOError, OSError) as error:
            early += error.errno == 4  # EINTR
        naps.append(time.time() - begin)
truth.tell(naps=naps, early=early)
