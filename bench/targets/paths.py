"""A hundred thousand distinct stacks, 32 calls deep, each as likely as any other.

A stack is a number in binary: which of two lines calls next. usage: paths.py SECONDS [STACKS]
"""
import random
import sys
import time

import truth

DIGITS, BELOW = 17, 13


def leaf():
    return sum(range(3000))


def turn(digits, number):
    if digits == 0:
        return leaf()
    if number & 1:
        return turn(digits - 1, number >> 1)
    return turn(digits - 1, number >> 1)


def walk(end, stacks):
    while time.time() < end:
        turn(DIGITS, random.randrange(stacks))


def below(depth, *arguments):
    return below(depth - 1, *arguments) if depth else walk(*arguments)


truth.tell()
below(BELOW, time.time() + float(sys.argv[1]), int((sys.argv[2:] or ["100000"])[0]))
