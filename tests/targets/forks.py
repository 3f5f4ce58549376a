"""Forks in mid-run: the parent computes in parent_work(), each child in child_work().

usage: forks.py SECONDS [CHILDREN [CHILD-SECONDS]]: children run one after the other
"""
import os
import sys
import time

import truth


def parent_work(end):
    while time.time() < end:
        sum(range(2000))


def child_work(end):
    while time.time() < end:
        sum(range(2000))


seconds = float(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
each = float(sys.argv[3]) if len(sys.argv) > 3 else seconds / 2
truth.tell()
pids = []
for _ in range(count):
    parent_work(time.time() + seconds / 2 / count)
    pid = os.fork()
    if pid == 0:
        child_work(time.time() + each)
        os._exit(0)
    pids.append(pid)
    if count > 1:
        os.waitpid(pid, 0)
parent_work(time.time() + seconds / 2)
if count == 1:
    os.waitpid(pids[0], 0)
print("children %d" % len(pids))
