"""Prints the line tables of many code objects, with the line that the interpreter itself gives
for each offset: `FIRST SIZE HEX OFFSET:LINE...`, where a line holds up to the next offset.

Usage: tables.py COUNT (of the standard library's modules; 0 for all)
"""
from __future__ import print_function

import binascii
import ctypes
import glob
import io
import os
import sys

LINE_OF = ctypes.pythonapi.PyCode_Addr2Line
LINE_OF.argtypes = [ctypes.py_object, ctypes.c_int]
LINE_OF.restype = ctypes.c_int

# What modules rarely have: large steps, lines that go back, statements over many lines.
ODD = u"""
def gaps(a):
    x = 1
{gap}
    y = [a,
{gap}
         a + 1,
         a
         .real
         .imag,
    ]
{long}
    return x, y

def back(f, x):
    return f(
        x + 1,
        f(
            x,
{gap}
            x),
        x)

def loops(a):
    for i in (
            a,
{small}
            a):
        while i:
            try:
                if i: continue
                with a as b, \\
                        a as c:
                    break
            except ValueError as e:
                pass
            finally:
                i -= 1
        else:
            i = (lambda z:
{small}
                 z)(
                     i)
    assert (a and
            a), (
{gap}
        "no")
    return [j for j in a
            if j
            for k in (
                j,
                1)]

class Class(
{gap}
        object):
    a = 1
{gap}
    def method(self): return (self
        ,)
""".replace(u"{gap}", u"\n" * 300).replace(u"{small}", u"\n" * 130).replace(
    u"{long}", u"    x += a * 2 + x * 3\n" + u"    x = f(a, b, c, d, e, x, " + u"a + " * 400 + u"1)\n")


def sources(count):
    yield u"odd", ODD
    yield u"one", u"pass"
    yield u"empty", u""
    paths = sorted(glob.glob(os.path.join(os.path.dirname(os.__file__), "*.py")))
    step = max(len(paths) // count, 1) if count else 1
    for path in paths[::step]:
        with io.open(path, "rb") as file:
            yield path, file.read()


def codes(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, type(code)):
            for inner in codes(const):
                yield inner


def case(code):
    table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
    runs, last = [], None
    for offset in range(0, len(code.co_code), 1 if sys.version_info < (3, 6) else 2):
        line = max(LINE_OF(code, offset), 0)
        if line != last:
            runs.append("%d:%d" % (offset, line))
            last = line
    return "%d %d %s %s" % (code.co_firstlineno, len(code.co_code),
                            binascii.hexlify(table).decode() or "-", " ".join(runs))


def main():
    for name, source in sources(int(sys.argv[1])):
        try:
            top = compile(source, name, "exec", 0, 1)
        except (SyntaxError, ValueError):
            continue
        for code in codes(top):
            print(case(code))


main()
