"""A parent with two Python children, a child that is no Python, and a zombie.

usage: children.py          the parent
       children.py NAME     a child, which computes in work_NAME
"""
import os
import subprocess
import sys
import time

import truth


def work_first(end):
    while time.time() < end:
        sum(range(2000))


def work_second(end):
    while time.time() < end:
        sum(range(2000))


def child(name):
    work = {"first": work_first, "second": work_second}[name]
    truth.tell()
    work(time.time() + 60)


def wait_in_parent():
    truth.wait()


def parent():
    children = {}
    pipes = []
    for name in ("first", "second"):
        process = subprocess.Popen([sys.executable, os.path.abspath(__file__), name],
                                   stdout=subprocess.PIPE)
        process.stdout.readline()
        pipes.append(process)
        children[name] = process.pid
    other = subprocess.Popen(["sleep", "60"])
    gone = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    gone.stdout.read()  # its end is seen, its status is never asked for: a zombie
    truth.tell(waits=True, children=children, sleep=other.pid, zombie=gone.pid)
    try:
        wait_in_parent()
    finally:
        for process in pipes + [other]:
            process.kill()


if len(sys.argv) > 1:
    child(sys.argv[1])
else:
    parent()
