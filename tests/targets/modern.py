"""Stacks that need the syntax of Python 3.6: see stacks.py.

usage: modern.py SCENARIO
"""
import asyncio
import sys

from truth import pause

HOT = 3000
scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


def run(coroutine):
    """Runs a coroutine to its end without an event loop."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


class Suspends:
    def __await__(self):
        yield
        return 1


@scenario
def delegation():
    def innermost():
        yield 1
        pause()
        yield 2

    def middle():
        yield from innermost()

    def outermost():
        yield from middle()

    return list(outermost())


@scenario
def coroutines():
    async def innermost():
        await Suspends()
        pause()

    async def middle():
        await innermost()

    async def outermost():
        return await middle()

    run(outermost())


@scenario
def async_generators():
    async def source():
        for number in range(2):
            await Suspends()
            yield number
            pause_now = number == 0
            if pause_now:
                pause()

    async def doubled():
        async for item in source():
            yield item * 2

    async def consume():
        return [item async for item in doubled()]

    run(consume())


@scenario
def async_with():
    class Manager:
        async def __aenter__(self):
            await Suspends()

        async def __aexit__(self, *error):
            await Suspends()
            pause()

    async def use():
        async with Manager():
            pass

    run(use())


@scenario
def event_loop():
    async def leaf():
        await asyncio.sleep(0)
        pause()

    async def task():
        await asyncio.gather(leaf())

    async def root():
        await asyncio.ensure_future(task())

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(root())


@scenario
def hot_coroutine():
    async def leaf(now):
        await Suspends()
        if now:
            pause()

    async def root():
        for count in range(HOT + 1):
            await leaf(count == HOT)

    run(root())


@scenario
def hot_delegation():
    def leaf(now):
        yield 1
        if now:
            pause()

    def root():
        for count in range(HOT + 1):
            yield from leaf(count == HOT)

    for _ in root():
        pass


@scenario
def thrown():
    """A generator that an exception is thrown into."""
    def inner():
        try:
            yield 1
        except KeyError:
            pause()
            yield 2

    def outer():
        yield from inner()

    generator = outer()
    next(generator)
    generator.throw(KeyError("on purpose"))


@scenario
def annotations():
    class Model:
        field: pause() = pause()

    return Model.__annotations__


@scenario
def кириллица():
    class Класс:
        def метод(self):
            pause()

    Класс().метод()


if __name__ == "__main__":
    scenarios[sys.argv[1]]()
