"""Comparing what pyspyc saw with what the target said of itself (tests/targets/truth.py)."""
import re

from kit.spy import Frame
from kit.target import marked


def shown(text):
    """A name as pyspyc writes it: lone surrogates and NULs as \\udcXX and \\x00."""
    text = re.sub("[\ud800-\udfff]", lambda match: "\\u%04x" % ord(match.group()), text)
    return text.replace("\0", "\\x00")


def told(facts, python, plain=False):
    """The stack that a target told, as frames, innermost first."""
    return [Frame(shown(name if plain or qualname is None else qualname), shown(file), line)
            for name, qualname, file, line, _first in facts["stack"]]


def stack_of(python, facts, function="pause", plain=False):
    """What the whole stack of a target that paused must be."""
    own = [Frame(name, None, line) for name, line in (
        ("wait", marked("truth.py", "wait")[0]),
        (function, marked("truth.py", function)[0]))]
    return own + told(facts, python, plain)


def difference(expected, found):
    """None, or where two stacks differ; a file of None matches any."""
    for place, (want, got) in enumerate(zip(expected, found)):
        if want != got and (want.file is not None or (want.name, want.line) != (got.name, got.line)):
            return "frame %d (from the innermost): told %r, seen %r; seen around it: %r" % (
                place, _cut(want), _cut(got), [_cut(f) for f in found[max(place - 2, 0):place + 3]])
    if len(expected) != len(found):
        return "told %d frames, seen %d; the outermost told are %r, seen %r" % (
            len(expected), len(found), [_cut(f) for f in expected[-3:]],
            [_cut(f) for f in found[-3:]])
    return None


def _cut(frame):
    def cut(text):
        return text if text is None or len(text) < 120 else "%s…(%d)" % (text[:100], len(text))
    return Frame(cut(frame.name), cut(frame.file), frame.line)
