"""Pauses at many places whose lines are hard to tell; the truth is f_lineno's.

Runs on Python 2.7 and later. Every pause waits for a line; prints `ready {"done": true}` last.
"""
import sys

import truth
from truth import number

HOT = 2000


def consume(*values, **named):
    return len(values) + len(named)


def call_over_lines():
    return consume(
        1,
        number(),
        consume(
            2,
            number(),
        ),
        last=number(),
    )


def outer_call_closes_later():
    return consume(number(),

                   2,

                   3) + consume(
        number()
    )


class Chained(object):
    def step(self, *values):
        truth.number()
        return self


def method_chain():
    return (Chained()
            .step(1)
            .step(
                number())
            .step(3))


def displays():
    return [
        1,
        number(),
        {
            "key":
                number(),
            number():
                2,
        },
        (3,
         number()),
    ]


def comprehension():
    return [
        # the loop comes after its body: the line number goes down
        number()
        for _ in
        range(2)
        if number()
    ]


def nested_comprehension():
    return dict(
        (outer,
         [inner
          + number()
          for inner in range(1)])
        for outer in range(1)
    )


def backslashes(value=1):
    if value and \
            number() and \
            not \
            number() - 1:
        value = 1 + \
            2 + \
            number()
    return value


def conditional():
    return (number()
            if number()
            else 0)


def loops():
    count = 0
    while (count < 2 and
           number()):
        count += 1
    else:
        number()
    for _ in [
            number()]:
        continue
    else:
        number()


def handlers():
    try:
        number()
        raise KeyError(
            number())
    except (KeyError,
            ValueError):
        number()
    else:
        number()
    finally:
        number()


def manager():
    class Manager(object):
        def __enter__(self):
            number()

        def __exit__(self, *error):
            number()

    with Manager(), \
            Manager():
        number()
    for _ in range(1):
        with Manager():
            break


def make(value):
    def decorator(function):
        number()
        return function
    return decorator


def decorators():
    @make(
        1)
    @make(number())

    @make(
        number())
    def decorated(first=number(),
                  second=number()):
        number()

    decorated()

    @make(1)
    class Decorated(object):
        """A class with a body over several lines."""

        attribute = \
            number()

        def method(self,
                   default=number()):
            return number()

    Decorated().method()


def lambdas():
    first = lambda: (
        number())
    second = lambda value: \
        value + \
        first()
    return (lambda:
            second(

                number()))()


def assertion():
    assert number(), \
        "never"
    try:
        assert not number(), \
            number()
    except AssertionError:
        pass


def strings():
    return ("%s %s"
            "%s" % (
                number(),

                number(),
                1))


def operators():
    return (number()
            + 2 *
            number()
            - (
                number()
            )
            < 100
            < number() + 1000)


def assignment():
    names = {}
    names[number()] = \
        names[
            1] = \
        number()
    names[
        number()
    ] += \
        number()
    del names[
        number()]


def after_a_gap():
    number()


















































































































































    number()
    return (














































































































































        number())


def one_line(): number(); number()


def generated():
    """Long bytecode on one line, gaps of many lines, first lines far down, long jumps."""
    wide = " + ".join(["0"] * 10 + ["value"] * 400)
    source = ["def wide(value=1):", "    number(); value = " + wide, "    number()"]
    source += [""] * 1000 + ["    return (number() +"] + [""] * 700
    source += ["        number()", "    )"] + [""] * 66000 + ["wide()"]
    names = {"number": number}
    exec(compile("\n" * 100000 + "\n".join(source) + "\n", "far.py", "exec"), names)

    source = ["def long(value=1):", "    for _ in range(1):"]
    source += ["        value = value + 1 if value else value * 2"] * 6000
    source += ["        number()", "    number()", "long()"]
    exec(compile("\n".join(source) + "\n", "long.py", "exec"), names)


def hot_lines():
    """Lines after the interpreter has specialised the code."""
    def work(now):
        total = 0
        for index in (1,
                      2):
            total += index * \
                2
            if now:
                total += consume(
                    index,
                    number())
        return total

    for count in range(HOT + 1):
        work(count == HOT)


for function in (call_over_lines, outer_call_closes_later, method_chain, displays, comprehension,
                 nested_comprehension, backslashes, conditional, loops, handlers, manager,
                 decorators, lambdas, assertion, strings, operators, assignment, after_a_gap,
                 one_line, generated, hot_lines):
    function()
if sys.version_info >= (3, 6):
    import lines_modern
    lines_modern.main()
truth.tell(waits=True, done=True)
truth.wait()
