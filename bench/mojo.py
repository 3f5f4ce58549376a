"""Reads the binary stream that Austin 4 writes, and adds its samples up by stack.

A sample is an event 2 (process, interpreter, thread) with the events up to the next 2 after it:
5 refers to a frame, from the outermost on; 3 and 11 define frames and strings that are referred to
by number; 4 is a frame that could not be read. Numbers have six bits and a sign in their first
byte, seven bits in those that follow, and the top bit says that another follows. (As written by
austin-dist 4.0.0; format version 3 and later have the interpreter, version 2 and later the ends
and columns of lines.) Equal samples have equal bytes, but for their time, so that almost all are
told apart by one regular expression and a dictionary.

As a program it reads the stream from standard input and writes folded stacks to a file.

usage: mojo.py FILE
"""

import os
import re
import sys
from collections import Counter

NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"
CHUNK = 1 << 20
METADATA, STACK, FRAME, INVALID, REFERENCE = 1, 2, 3, 4, 5
KERNEL, GC, IDLE, TIME, MEMORY, STRING, STRING_REF, REPEAT = 6, 7, 8, 9, 10, 11, 12, 13
TASK_STACK, TASK_WAITER, TASK_RUNNING = 14, 15, 16
NUMBERS = {TIME: 1, MEMORY: 1, STRING_REF: 1, TASK_STACK: 3, TASK_WAITER: 2, TASK_RUNNING: 1}


class Short(Exception):
    """The data end within a sample."""


class Reader:
    """Takes the stream in pieces; `samples` counts (thread, stack of (name, file, line)), or, with
    `weighed`, adds up what the stream's memory mode says of each, in bytes."""

    def __init__(self, weighed=False):
        self.weighed = weighed
        self.weight = 0
        self.data = b""
        self.version = 0
        self.fast = self.numbers = None
        self.strings = {1: "<unknown>"}
        self.frames = {}
        self.raw = Counter()
        self.samples = Counter()
        self.invalid = 0
        self.previous = {}

    def feed(self, piece):
        self.data += piece
        if not self.fast and len(self.data) < 4:
            return
        position = 0 if self.fast else self.begin()
        data, raw, match = self.data, self.raw, self.fast and self.fast.match
        while position < len(data):
            found = match(data, position)
            if found:
                raw[found.groups()] += 1
                position = found.end()
                continue
            try:
                position = self.slowly(position)
            except Short:
                break
        self.data = data[position:]

    def finish(self):
        if self.fast:
            self.feed(bytes([STACK]))
        self.flush()
        return self.samples

    def begin(self):
        """The stream's head, once; returns where the rest begins."""
        if self.data[:3] != b"MOJ":
            raise ValueError("no stream of Austin's")
        self.version = self.data[3]
        self.numbers = numbers = NUMBER * (2 if self.version >= 3 else 1)
        self.fast = re.compile(
            rb"\x02(" + numbers + rb"[^\x00]*)\x00((?:\x05" + NUMBER + rb")*)(?:[\x09\x0a]"
            + NUMBER + rb"|[\x07\x08])*(?=\x02)", re.DOTALL)
        if self.weighed:
            self.fast = re.compile(rb"(?!)")
        return 4

    def number(self, position):
        data = self.data
        try:
            byte = data[position]
            value, shift = byte & 0x3F, 6
            negative = byte & 0x40
            while byte & 0x80:
                position += 1
                byte = data[position]
                value |= (byte & 0x7F) << shift
                shift += 7
        except IndexError:
            raise Short from None
        return -value if negative else value, position + 1

    def text(self, position):
        end = self.data.find(b"\0", position)
        if end < 0:
            raise Short
        return self.data[position:end], end + 1

    def define(self, key, value, table):
        """A number may come to mean something else: what used the old meaning is counted first."""
        if table.get(key, value) != value:
            self.flush()
        table[key] = value

    def slowly(self, position):
        """One sample, or what stands before the first, event by event; returns its end."""
        head = None
        frames = b""
        invalid = False
        while True:
            if position >= len(self.data):
                raise Short
            event = self.data[position]
            if event == STACK and head is not None:
                break
            position += 1
            if event == STACK:
                begin = position
                for _ in range(2 if self.version >= 3 else 1):
                    _, position = self.number(position)
                _, position = self.text(position)
                head = self.data[begin:position - 1]
            elif event == REFERENCE:
                _, end = self.number(position)
                frames += self.data[position - 1:end]
                position = end
            elif event == REPEAT:
                frames = self.previous.get(head, b"") + frames
            elif event == INVALID:
                invalid = True
            else:
                position = self.other(event, position)
            if head is None and position < len(self.data) and self.data[position] == STACK:
                return position
        self.previous[head] = frames
        self.invalid += invalid
        if not invalid:
            self.raw[head, frames] += self.weight if self.weighed else 1
        self.weight = 0
        return position

    def other(self, event, position):
        """What defines or measures something."""
        if event == METADATA:
            _, position = self.text(position)
            _, position = self.text(position)
        elif event == FRAME:
            values = []
            for _ in range(4 if self.version == 1 else 7):
                value, position = self.number(position)
                values.append(value)
            key, file, name, line = values[:4]
            self.define(key, (self.strings.get(name, "?"), self.strings.get(file, "?"), line),
                        self.frames)
        elif event == STRING:
            key, position = self.number(position)
            value, position = self.text(position)
            self.define(key, value.decode("utf-8", "replace"), self.strings)
        elif event == KERNEL:
            _, position = self.text(position)
        elif event == MEMORY:
            self.weight, position = self.number(position)
        elif event in NUMBERS:
            for _ in range(NUMBERS[event]):
                _, position = self.number(position)
        elif event not in (GC, IDLE):
            raise ValueError("event %d is not known" % event)
        return position

    def flush(self):
        for (head, frames), count in self.raw.items():
            thread = re.match(self.numbers + rb"(.*)", head, re.DOTALL)[1]
            self.samples[thread.decode("ascii", "replace"), self.stack(frames)] += count
        self.raw.clear()

    def stack(self, references):
        found, data, position = [], self.data, 0
        self.data = references
        while position < len(references):
            key, position = self.number(position + 1)
            found.append(self.frames.get(key, ("?", "?", 0)))
        self.data = data
        return tuple(found)


def read(stream, weighed=False):
    reader = Reader(weighed)
    while True:
        piece = stream.read(CHUNK)
        if not piece:
            break
        reader.feed(piece)
    reader.finish()
    return reader


def main():
    with open(0, "rb", buffering=0) as stream:
        reader = read(stream)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for (thread, stack), count in reader.samples.items():
            frames = ["%s (%s:%d)" % (name, os.path.basename(file), line)
                      for name, file, line in stack]
            out.write(";".join(["thread %s" % thread] + frames) + " %d\n" % count)
        out.write("# invalid %d\n" % reader.invalid)


if __name__ == "__main__":
    main()
