"""Tiny functions that take turns, each called from a line of its own.

A line that calls ends in a comment which names what it calls. A stack with another function above
that line never existed: it mixes two moments in which the same frames lay at the same addresses.

usage: turns.py SECONDS [plain|nested|alike]
"""
import sys
import time

import truth


def a():
    return 1


def b():
    return 2


def plain(end):
    """Nothing lasts: each frame takes the place of the one before."""
    while time.time() < end:
        for _ in range(200):
            a()  # @calls a
            b()  # @calls b
            a()  # @calls a
            b()  # @calls b


def one():
    return 1


def two():
    return 2


def first():
    return one()  # @calls one


def second():
    return two()  # @calls two


def nested(end):
    """Two deep: both waiting frames change with each turn."""
    while time.time() < end:
        for _ in range(200):
            first()  # @calls first
            second()  # @calls second


def leaf():
    return 3


def left():
    return leaf()  # @calls leaf


def right():
    leaf()  # @calls leaf
    return left()  # @calls left


def alike(end):
    """The same leaf at two depths: its frame comes back in another's place."""
    while time.time() < end:
        for _ in range(200):
            left()  # @calls left
            right()  # @calls right
            leaf()  # @calls leaf


TURNS = {"plain": plain, "nested": nested, "alike": alike}

truth.tell()
turn = TURNS[sys.argv[2] if len(sys.argv) > 2 else "plain"]
turn(time.time() + float(sys.argv[1]))
