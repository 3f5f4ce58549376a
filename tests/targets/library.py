"""Computes in the standard library, called from encode(), and in a package, called from draws()."""
import json.encoder
import os
import sys
import tempfile
import time

import truth

PACKAGE = """
def draw(seconds):
    import time
    end = time.time() + seconds
    while time.time() < end:
        pass
"""
DATA = {"key %d" % number: list(range(20)) for number in range(30)}


def encode(seconds):
    """With an indent the module works in Python, not in C."""
    end = time.time() + seconds
    while time.time() < end:
        json.dumps(DATA, indent=1)  # @encode


def draws(seconds):
    package.draw(seconds)  # @draws


def imported():
    folder = os.path.join(tempfile.mkdtemp(), "site-packages")
    os.mkdir(folder)
    path = os.path.join(folder, "painter.py")
    with open(path, "w") as file:
        file.write(PACKAGE)
    sys.path.insert(0, folder)
    import painter
    os.remove(path)
    os.rmdir(folder)
    os.rmdir(os.path.dirname(folder))
    return painter


package = imported()
truth.tell()
until = time.time() + 120
while time.time() < until:
    encode(0.02)
    draws(0.02)
