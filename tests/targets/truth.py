"""What the interpreter itself says of its stack, told to whoever started the target.

A target tells things by printing a line `ready {JSON}`, and with "waits" in it waits for a line
on standard input; at the end of its input it goes on too, so as not to outlive its test.
"""
import json
import os
import sys


def text(value):
    """A name as JSON can carry it: str, and in Python 2 bytes that should be UTF-8."""
    if value is None or not isinstance(value, bytes):
        return value
    shown = []
    while value:
        try:
            shown.append(value.decode("utf-8"))
            break
        except UnicodeDecodeError as error:
            shown.append(value[:error.start].decode("utf-8"))
            shown.append(u"".join(u"\\x%02x" % b for b in bytearray(value[error.start:error.end])))
            value = value[error.end:]
    return u"".join(shown)


def stack(frame):
    """The frames from frame outwards: name, qualified name, file, line, first line."""
    found = []
    while frame is not None:
        code = frame.f_code
        found.append([text(code.co_name), text(getattr(code, "co_qualname", None)),
                      text(code.co_filename), frame.f_lineno, code.co_firstlineno])
        frame = frame.f_back
    return found


def tell(**facts):
    facts["pid"] = os.getpid()
    data = ("ready " + json.dumps(facts) + "\n").encode("ascii")
    while data:
        data = data[os.write(1, data):]


def wait():
    return os.read(0, 1)  # @wait


def pause(*_values, **facts):
    """Tells the caller's stack and waits there; returns something to compute with."""
    tell(waits=True, stack=stack(sys._getframe(1)), **facts)
    wait()  # @pause
    return 1


def number():
    """pause() as a value in expressions over several lines."""
    tell(waits=True, stack=stack(sys._getframe(1)))
    wait()  # @number
    return 1
