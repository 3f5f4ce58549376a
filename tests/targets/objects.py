"""Holds objects of every kind that is decoded, tells what each must come out as, and waits.

`ready` tells a list of pairs: a request to tests/unit/check_objects and its answer.
"""
from __future__ import print_function

import binascii
import ctypes
import json
import sys
import threading

OLD = sys.version_info[0] == 2
LIMIT = 65536
ERROR = "error"
KEPT = []  # what the addresses told belong to
REQUESTS = []

if OLD:
    text_type, chr_, long_ = unicode, unichr, long  # noqa: F821
else:
    text_type, chr_, long_ = str, chr, int


def ask(kind, thing, answer, *more):
    KEPT.append(thing)
    REQUESTS.append((" ".join([kind, "%x" % id(thing)] + list(more)), answer))


def hexed(data):
    return binascii.hexlify(data).decode() or "-"


def shown(text):
    """A str as the decoder writes it, in hexadecimal."""
    if isinstance(text, bytes):
        text = text.decode("ascii") if OLD else text
    cut, out = len(text) > LIMIT, []
    for char in text[:LIMIT]:
        if char == u"\0":
            out.append(u"\\x00")
        elif u"\ud800" <= char <= u"\udfff":
            out.append(u"\\u%04x" % ord(char))
        else:
            out.append(char)
    return hexed((u"".join(out) + (u"\u2026" if cut else u"")).encode("utf-8"))


def address(thing):
    KEPT.append(thing)
    return "%x" % id(thing)


def legacy_strings():
    """Strings that have wide characters only, which PyUnicode_READY has not seen yet."""
    make = ctypes.pythonapi.PyUnicode_FromUnicode
    make.argtypes, make.restype = [ctypes.c_void_p, ctypes.c_ssize_t], ctypes.py_object
    wide = ctypes.pythonapi.PyUnicode_AsUnicode
    wide.argtypes, wide.restype = [ctypes.py_object], ctypes.c_void_p
    for text in u"abc", u"na\xefve \u2603 \U0001f600", u"x" * 1000:
        raw = make(None, len(text))
        ctypes.memmove(wide(raw), ctypes.create_unicode_buffer(text), len(text) * 4)
        ask("str", raw, shown(text))


def strings():
    class Text(text_type):
        pass

    samples = [u"", u"a", u"plain ascii", u"caf\xe9", u"\u010desky", u"\U0001f600 grin",
               u"nul \0 inside", u"tab\tline\n", u"lone \udc80 and \ud83d", u"x" * 300,
               u"\xe9" * 300, u"\u2603" * 5000, u"\U0001f600" * 5000, u"y" * LIMIT,
               u"y" * (LIMIT + 1), u"\u2603" * (LIMIT + 1), u"ab\n", u"a\n" * 40]
    for sample in samples:
        # On its own in memory, not a constant.
        text = u"".join([sample, u""])
        ask("str", text, shown(text))
        ask("str", Text(sample), shown(sample))
    if not OLD and sys.version_info < (3, 12):
        legacy_strings()
    if OLD:
        ask("str", b"caf\xc3\xa9", hexed(b"caf\xc3\xa9"))
        ask("str", b"\xff \x00", hexed(b"\\xff \\x00"))
        ask("str", b"z" * 70000, hexed(b"z" * LIMIT + u"\u2026".encode("utf-8")))
    for data in b"", b"abc\0\xff", b"q" * 5000:
        ask("bytes", data, hexed(data))
    for wrong in None, 5, [], {}, object():
        ask("str", wrong, ERROR)
        ask("bytes", wrong, ERROR)


def numbers():
    class Number(int):
        pass

    values = [0, 1, -1, 5, 255, -256, 2**15, 2**30 - 1, 2**30, -2**30, 2**31, 2**60 - 1, 2**60,
              2**62, -2**62, 2**63 - 1, -2**63, 2**63, 2**64 - 1, 2**64, -2**63 - 1, 2**90,
              True, False, Number(77), Number(-2**40), long_(12), long_(-12), long_(0)]
    for value in values:
        plain = int(value)
        ask("long", value, str(plain) if -2**63 <= value < 2**63 else ERROR)
        ask("ulong", value, str(plain) if 0 <= value < 2**64 else ERROR)
    ask("long", "12", ERROR)
    ask("ulong", 1.5, ERROR)


def pairs(thing):
    return " ".join("%s:%s" % (address(key), address(value)) for key, value in thing.items()) or "-"


def dicts():
    class Dict(dict):
        pass

    mixed = {1: "a", "b": 2, (3, 4): None, None: 5.0, "": "empty"}
    holes = dict(("key%d" % i, i) for i in range(400))
    for i in range(0, 400, 3):
        del holes["key%d" % i]
    numbered = dict((i * 7919, i) for i in range(70000))
    named = dict((str(i), i) for i in range(300))
    grown = {}
    for i in range(200):
        grown["g%d" % i] = i
        grown.pop("g%d" % (i - 50), None)
    for thing in {}, {"a": 1}, mixed, holes, named, grown, Dict(a=1), dict.fromkeys("abcdefgh", 1):
        ask("dict", thing, pairs(thing))
    ask("dict", numbered, pairs(numbered))
    for thing in (), None, 5, object():
        ask("dict", thing, ERROR)
    for key in "key1", "key398", "key399":
        ask("get", holes, address(holes[key]) if key in holes else "0", key)
    ask("get", named, address(named["299"]), "299")
    ask("get", mixed, address(mixed["b"]), "b")
    ask("get", numbered, "0", "absent")
    ask("get", vars(threading), address(threading._active), "_active")
    ask("get", sys.modules, address(threading), "threading")


def instances():
    class Plain(object):
        def __init__(self):
            self.first, self.second, self._name = 1000, "two", [3]

    class Late(object):
        pass

    class Ordered(object):
        pass

    class Slots(object):
        __slots__ = ("here", "__dict__", "__weakref__")

    class None_(object):
        __slots__ = ()

    class List(list):
        pass

    class Tuple(tuple):
        pass

    class Int(long_):
        pass

    class Text(text_type):
        pass

    class Error(Exception):
        pass

    def function():
        pass

    def attribute(thing, name):
        value = getattr(thing, "__dict__", {}).get(name)
        ask("attr", thing, "0" if value is None else address(value), name)

    # The answers are asked for last: a look at __dict__ changes how an instance is kept.
    plain, again, late = Plain(), Plain(), Late()
    ask("attr", plain, address(plain.second), "second")
    ask("attr", plain, address(plain._name), "_name")
    ask("attr", plain, "0", "third")
    for i in range(60):
        setattr(late, "attribute%d" % i, [i])
    ask("attr", late, address(late.attribute0), "attribute0")
    ask("attr", late, address(late.attribute59), "attribute59")
    empty, deleted, replaced = Late(), Plain(), Plain()
    ask("attr", empty, "0", "attribute0")
    del deleted.first
    ask("attr", deleted, address(deleted.second), "second")
    ask("attr", deleted, "0", "first")
    for name in "first", "second", "_name", "none":
        attribute(again, name)
    ask("attr", again, address(again.second), "second")
    once = Plain()
    attribute(once, "second")
    once.more = 5
    attribute(once, "more")
    ordered = Ordered()
    for name in "first", "second", "_name":
        setattr(ordered, name, name)
    ask("dict", ordered.__dict__, pairs(ordered.__dict__))
    replaced.__dict__ = {"first": (), "other": "value"}
    for name in "first", "second", "other":
        attribute(replaced, name)
    slots = Slots()
    slots.here, slots.there = 1, {}
    for thing in (slots, List([1, 2]), Tuple((1, 2, 3)), Tuple(()), Int(5), Int(-2**80), Text(u"abc"),
                  Error("a"), function, Plain, threading):
        if thing not in (Plain, threading):
            thing.there = ["there"]
            # Without a look at __dict__, where there is one.
            ask("attr", thing, address(thing.there), "there")
        ask("attr", thing, "0", "absent")
    attribute(threading, "_active")
    for thing in None_(), None, 5, "text", object(), (1, 2):
        ask("attr", thing, "0", "there")


def sequences():
    class List(list):
        pass

    for thing in [], [1], [None] * 3000, (), (1, "a"), tuple(range(3000)), List("abc"):
        ask("list", thing, " ".join(map(address, thing)) or "-")
    ask("list", {}, ERROR)
    for thing, name in ((1, "int"), ("", "str"), ({}, "dict"), (None, "NoneType"),
                        (threading, "module"), (KEPT.append, "builtin_function_or_method")):
        ask("type", thing, hexed(name.encode()))


class Holder(object):
    def method(self):
        return [lambda: (
            self)]

    def generator(self):
        yield self


def codes():
    longer = u"def f%s():\n pass\n" % (u"o" * 5000)
    odd = compile(u"def snowman():\n\n  return (1,\n 2)\n" if OLD else
                  "def sn\u00f6man_\u4e2d():\n\n  return (1,\n 2)\n", "\u2603/<odd>", "exec")
    found = [odd, compile(longer, "f" * 5000 + ".py", "exec"), ask.__code__, shown.__code__,
             Holder.method.__code__, Holder.generator.__code__, threading.Thread.start.__code__]
    for code in list(found):
        found += [const for const in code.co_consts if isinstance(const, type(code))]
    for code in found:
        modern = sys.version_info >= (3, 11)
        lines = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
        traceable = 0
        if modern:
            import dis
            traceable = next(i.offset // 2 for i in dis.get_instructions(code)
                             if i.opname == "RESUME")
        name = hexed(code.co_filename) if OLD else shown(code.co_filename)
        ask("code", code, " ".join([
            name, shown(code.co_name), shown(code.co_qualname) if modern else "none",
            str(code.co_firstlineno), hexed(lines),
            "%x" % (id(code) + type(code).__basicsize__) if modern else "0", str(traceable)]))
    ask("code", 5, ERROR)
    ask("code", None, ERROR)


class Slotted(threading.Thread):
    __slots__ = ("more",)


def threads(stop):
    started = [threading.Thread(target=stop.wait, name=name)
               for name in ("worker-1", "", "x" * 300)]
    started += [Slotted(target=stop.wait), threading.Thread(target=stop.wait)]
    for thread in started:
        thread.daemon = True
        thread.start()
    # Where start() returns before the thread has entered itself.
    while not all(thread.ident in threading._active for thread in started):
        stop.wait(0.001)
    attribute = "_Thread__name" if OLD else "_name"
    setattr(started[1], attribute, u"na\xefve \u2603")
    setattr(started[-1], attribute, 5)  # no name at all: left out, and no error
    answer = []
    for ident, thread in threading._active.items():
        name = getattr(thread, attribute)
        if name != 5:
            answer.append("%d:%s" % (ident, shown(name)))
    REQUESTS.append(("names %x" % interpreter(), " ".join(answer)))


def interpreter():
    head = ctypes.pythonapi.PyInterpreterState_Head
    head.restype = ctypes.c_void_p
    return head()


def paths():
    sys.path[:] = sys.path + [u"/opt/caf\xe9/lib/", "relative", "", "/", None]
    texts = [path.rstrip("/").encode("utf-8") for path in sys.path if path]
    texts = sorted((text for text in texts if text.startswith(b"/")), key=lambda t: (-len(t), t))
    REQUESTS.append(("paths %x" % interpreter(), " ".join(map(hexed, texts))))


def main():
    stop = threading.Event()
    strings()
    numbers()
    dicts()
    instances()
    sequences()
    codes()
    paths()
    threads(stop)
    print("ready " + json.dumps(REQUESTS))
    sys.stdout.flush()
    sys.stdin.readline()
    stop.set()


main()
