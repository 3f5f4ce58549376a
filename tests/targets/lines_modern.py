"""The part of lines.py that needs the syntax of Python 3.6."""
from truth import number


def formatted():
    return f"""{
        number()} and
    {number()}"""


def annotated(
        first: number() = number(),
        *,
        second:
        number() = 1,
) -> number():
    value: number() = number()
    return value


def unpacking():
    first, *rest = (
        number(),
        *[number(),
          number()],
    )
    return {
        **{"a": number()},
        "b":
            first,
    }


def delegating():
    def inner():
        yield (
            number())
        yield \
            number()

    yield from (
        inner())


class Keywords(
        dict,
        metaclass=type):
    attribute = [
        number()
        for _ in "a"
    ]


async def awaiting():
    async def inner():
        return (
            number())

    return [
        await inner()
        for _ in range(1)
        if
        await inner()
    ]


def main():
    formatted()
    annotated()
    unpacking()
    list(delegating())
    try:
        awaiting().send(None)
    except StopIteration:
        pass
