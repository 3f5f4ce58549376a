"""Starts a child that stays between vfork and exec until somebody opens a FIFO for writing.

usage: vforks.py FIFO SECONDS: the child then computes in child_work() for so long
"""
import os
import sys
import time

import truth


def child_work(end):
    while time.time() < end:
        sum(range(2000))


def spawning(fifo, seconds):
    return os.posix_spawn(sys.executable, [sys.executable, __file__, "child", seconds],
                          {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                          file_actions=[(os.POSIX_SPAWN_OPEN, 9, fifo, os.O_RDONLY, 0)])


if sys.argv[1] == "child":
    child_work(time.time() + float(sys.argv[2]))
else:
    truth.tell()
    os.waitpid(spawning(*sys.argv[1:]), 0)
