"""Computes in before(), replaces itself by exec, and computes in after().

usage: becomes.py SECONDS-EACH
"""
import os
import sys
import time

import truth


def before(end):
    while time.time() < end:
        sum(range(2000))


def after(end):
    while time.time() < end:
        sum(range(2000))


seconds = float(sys.argv[1])
if len(sys.argv) > 2:
    after(time.time() + seconds)
    print("became another")
    sys.exit(5)
truth.tell()
before(time.time() + seconds)
os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), sys.argv[1], "again"])
