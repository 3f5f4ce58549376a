"""Three times: spends time in one function, takes 40 MiB in another, gives them back in a third.

So much at once is a mapping of its own to malloc, whatever was freed before.
"""
import time

SIZE = 40 << 20
kept = []


def spin(seconds):
    end = time.time() + seconds
    while time.time() < end:
        pass


def grow():
    kept.append(bytearray(b"x") * SIZE)  # @grow


def shrink():
    kept.pop()  # @shrink


def main():
    for _ in range(3):
        spin(0.15)
        grow()
        spin(0.15)
        shrink()
    spin(0.2)


main()
