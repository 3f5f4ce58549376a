"""Stacks of every kind that Python 2.7 and later have; each ends in truth.pause().

usage: stacks.py SCENARIO [NUMBER]
"""
import functools
import os
import signal
import sys
import threading
import types

import truth
from truth import pause

HOT = 3000  # calls after which an adaptive interpreter has specialised a place
scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


def pause_if(now):
    if now:
        pause()
    return now


@scenario
def plain():
    def innermost():
        pause()

    def middle():
        innermost()

    middle()


@scenario
def recursion(depth=60):
    if depth:
        recursion(depth - 1)
    else:
        pause()


@scenario
def deep(depth=10000):
    """In a thread, whose stack can be as large as Python up to 3.10 needs."""
    sys.setrecursionlimit(depth + 1000)

    def descend(left):
        if left:
            descend(left - 1)
        else:
            pause()

    threading.stack_size(512 << 20)
    thread = threading.Thread(target=descend, args=(depth,), name="deep")
    thread.start()
    thread.join()


@scenario
def bottomless(depth=100):
    """As deep as asked for; tells nothing of its stack."""
    sys.setrecursionlimit(depth + 1000)

    def descend(left):
        if left:
            descend(left - 1)
        else:
            truth.tell(waits=True)
            truth.wait()

    descend(depth)


@scenario
def generators():
    def source():
        yield 1
        pause()
        yield 2

    def filtered():
        for item in source():
            if item:
                yield item * 2

    return sum(item for item in filtered())


@scenario
def hot_generator():
    def counting(limit):
        for number in range(limit):
            yield pause_if(number == HOT)

    for _ in counting(HOT + 1):
        pass


@scenario
def callbacks():
    def key(item):
        return [pause() for _ in range(1) if item == 3]

    def mapped(item):
        return sorted([item, 1], key=key)

    return functools.reduce(lambda left, right: left + right, map(mapped, [3]), [])


@scenario
def substitution():
    import re
    return re.sub("b", lambda match: str(pause()), "abc")


@scenario
def decorated():
    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    @decorator
    @decorator
    def target(first, second=2):
        pause()

    target(1)


class Outer(object):
    class Inner(object):
        def method(self):
            return self.class_method()

        @classmethod
        def class_method(cls):
            return cls.static_method(lambda: Outer().attribute)

        @staticmethod
        def static_method(function):
            return function()

    def __getattr__(self, name):
        return self.value

    @property
    def value(self):
        return self[3]

    def __getitem__(self, key):
        return self + key

    def __add__(self, other):
        return self(other)

    def __call__(self, *args):
        with self:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pause()


@scenario
def methods():
    Outer.Inner().method()


class Hot(object):
    """Places that an adaptive interpreter calls without leaving its loop."""

    def __init__(self, now):
        self.now = now
        self.state = pause_if(now == "init")

    def __getitem__(self, key):
        return pause_if(self.now == "getitem")

    @property
    def value(self):
        return pause_if(self.now == "property")

    def with_default(self, first=1, second=2):
        return pause_if(self.now == "default")

    def plain(self, *args):
        return pause_if(self.now == "call")


class HotAttribute(object):
    now = []

    def __getattribute__(self, name):
        return pause_if(HotAttribute.now == ["attribute"])


def hot(what):
    """Calls everything until it is specialised, then pauses in the place called what."""
    for count in range(HOT + 1):
        now = what if count == HOT else None
        thing = Hot(now)
        thing[0]
        thing.value
        thing.with_default()
        thing.plain(*(1, 2))
        HotAttribute.now[:] = [now]
        HotAttribute().anything


for _place in ("init", "getitem", "property", "default", "call", "attribute"):
    scenarios["hot_" + _place] = functools.partial(hot, _place)


@scenario
def destructor():
    class Dies(object):
        def __del__(self):
            pause()

    thing = Dies()
    del thing


@scenario
def execd():
    names = {"pause": pause}
    exec("def made():\n\n    return pause()\n\nmade()\n", names)


@scenario
def evaluated():
    return eval("(lambda:\n pause())()", {"pause": pause})


@scenario
def class_body():
    class Body(object):
        attribute = pause()
    return Body


@scenario
def metaclass():
    class Meta(type):
        def __new__(mcs, name, bases, names):
            pause()
            return type.__new__(mcs, name, bases, names)

    return Meta("Made", (object,), {})


@scenario
def importing():
    """In the middle of an import: importlib's frames are frozen code."""
    import pauses_on_import
    return pauses_on_import


@scenario
def exceptions():
    def fails():
        raise KeyError("on purpose")

    def handles():
        try:
            fails()
        except KeyError:
            try:
                pause()
            finally:
                sys.exc_info()

    handles()


@scenario
def unwinding():
    def fails():
        try:
            raise KeyError("on purpose")
        finally:
            pause()

    try:
        fails()
    except KeyError:
        pass


@scenario
def comprehensions():
    return [{key: (value, pause()) for key, value in [(1, 2)]} for _ in range(1)]


@scenario
def signal_handler():
    def handler(number, frame):
        pause()

    signal.signal(signal.SIGUSR2, handler)
    os.kill(os.getpid(), signal.SIGUSR2)
    for _ in range(100):
        sys.getsizeof(0)


@scenario
def tracing():
    def tracer(frame, event, argument):
        if event == "call":
            sys.settrace(None)
            pause()

    def traced():
        return 1

    sys.settrace(tracer)
    traced()


@scenario
def at_exit():
    import atexit
    atexit.register(lambda: pause())


@scenario
def local_thread():
    """A pause in a thread that the main one waits for."""
    thread = threading.Thread(target=lambda: pause(), name="local")
    thread.start()
    thread.join()


@scenario
def wide(count=200):
    """A frame with many local variables above ones with few."""
    names = {"pause": pause}
    source = ["def wide(%s):" % ", ".join("a%d" % i for i in range(count))]
    source += ["    b%d = a%d" % (i, i) for i in range(count)]
    source += ["    return narrow()"]
    names["narrow"] = lambda: pause()
    exec(compile("\n".join(source), "wide.py", "exec"), names)
    names["wide"](*range(count))


def made(name, filename):
    """A function with any name in any file, which pauses."""
    def original():
        return pause()

    code = original.__code__
    if hasattr(code, "co_qualname"):
        code = code.replace(co_name=name, co_qualname="Some." + name, co_filename=filename)
    elif hasattr(code, "replace"):
        code = code.replace(co_name=name, co_filename=filename)
    else:
        arguments = [code.co_argcount]
        if sys.version_info >= (3,):
            arguments.append(code.co_kwonlyargcount)
        arguments += [code.co_nlocals, code.co_stacksize, code.co_flags, code.co_code,
                      code.co_consts, code.co_names, code.co_varnames, filename, name,
                      code.co_firstlineno, code.co_lnotab, code.co_freevars, code.co_cellvars]
        code = types.CodeType(*arguments)
    types.FunctionType(code, globals())()


def native(value):
    """Text as names hold it: bytes in UTF-8 in Python 2."""
    return value.encode("utf-8") if sys.version_info < (3,) else value


@scenario
def latin():
    made(native(u"na\u00efve"), native(u"/tmp/caf\u00e9.py"))


@scenario
def cyrillic():
    made(native(u"\u043a\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430"),
         native(u"/tmp/\u043c\u043e\u0434\u0443\u043b\u044c.py"))


@scenario
def emoji():
    made(native(u"f\U0001f4a9"), native(u"/tmp/unicode\U0001f4a9.py"))


@scenario
def long_names():
    made("n" * 5000, "/" + "d" * 6000 + "/file.py")


@scenario
def long_wide_names():
    made(native(u"\u043d" * 5000), native(u"/" + u"\U0001f40d" * 5000 + u"/file.py"))


@scenario
def surrogates():
    if sys.version_info < (3,):
        made(b"lone\xff", b"/tmp/byte\xfe\x80.py")
    else:
        made("lone\udcff", "/tmp/byte\udcfe\udc80.py")


@scenario
def controls():
    made("a\tb\nc\x1b[31m\x7f", "/tmp/tab\tnew\nline;semi (x:1).py")


@scenario
def markup():
    made("<script>alert(1)</script>", "/tmp/]]>&amp;\"'.py")


@scenario
def empty():
    made("", "")


if __name__ == "__main__":
    scenarios[sys.argv[1]](*[int(number) for number in sys.argv[2:]])
