"""Functions that are made, run and freed all the time, so that their addresses are used again.

made_<SITE>_<NUMBER> lives in the file of its own name, begins at line <NUMBER>, is called from one
line alone, whose comment says so, and calls leaf_<SITE>_<NUMBER>, made with it. All have the same
size, so that one takes the place of another. They are made in three ways: compiled from source,
loaded from bytes, and as copies of a code object under another name.

usage: made.py SECONDS
"""
import marshal
import random
import sys
import time
import types

import truth

SITES = 6
NUMBERS = range(100, 164)
MADE = """
def made(leaf):
    total = leaf()
    for i in range(200):
        total += i
    return total
"""
LEAF = """
def leaf():
    total = 0
    for i in range(200):
        total += i
    return total
"""


def source(text, kind, site, number):
    name = "%s_%d_%d" % (kind, site, number)
    return "\n" * (number - 2) + text.replace("def " + kind, "def " + name), name + ".py"


def compiled(text, kind, site, number):
    """A code object made from nothing."""
    code = compile(*source(text, kind, site, number) + ("exec",))
    return [const for const in code.co_consts if isinstance(const, types.CodeType)][0]


stored = {}


def loaded(text, kind, site, number):
    """The same from bytes: faster, so that more time is spent in what is made."""
    key = kind, site, number
    if key not in stored:
        stored[key] = marshal.dumps(compiled(text, kind, site, number))
    return marshal.loads(stored[key])


templates = {}


def replaced(text, kind, site, number):
    """A copy of one code object, under another name and with another first line."""
    name = "%s_%d_%d" % (kind, site, number)
    if kind not in templates:
        templates[kind] = compiled(text, kind, 0, 100)
    names = {"co_name": name, "co_filename": name + ".py", "co_firstlineno": number}
    if hasattr(templates[kind], "co_qualname"):
        names["co_qualname"] = name
    return templates[kind].replace(**names)


def make(site, number):
    """A pair of functions, of which nothing else knows."""
    way = WAYS[site % len(WAYS)]
    made, leaf = (types.FunctionType(way(text, kind, site, number), {"range": range})
                  for text, kind in ((MADE, "made"), (LEAF, "leaf")))
    return made, leaf


WAYS = (compiled, loaded, replaced if hasattr(compiled.__code__, "replace") else loaded)


def run(end):
    while time.time() < end:
        number = random.choice(NUMBERS)
        made, leaf = make(1, number)
        made(leaf)  # @calls made_1
        made, leaf = make(2, number + 1)
        made(leaf)  # @calls made_2
        made, leaf = make(4, number + 2)
        made(leaf)  # @calls made_4
        made, leaf = make(5, number + 3)
        made(leaf)  # @calls made_5
        made = leaf = None
        if number % 8 == 0:
            made, leaf = make(0, number)
            made(leaf)  # @calls made_0
            made, leaf = make(3, number + 1)
            made(leaf)  # @calls made_3


random.seed(1)
truth.tell()
run(time.time() + float(sys.argv[1]))
