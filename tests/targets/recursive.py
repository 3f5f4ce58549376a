"""Calls itself 20 deep and comes back, for ever: any stack has at most 22 frames and its root."""
import time

import truth


def recurse(depth):
    if depth == 0:
        return
    recurse(depth - 1)


truth.tell()
end = time.time() + 120
while time.time() < end:  # @module
    recurse(20)  # @module
