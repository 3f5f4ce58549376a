"""The live view in a terminal of 120x40, with one refresh a second. CPU of a steady view at 100 Hz,
in percent of a core, on 20 threads of which two compute; and with 500 threads and 5,000 functions,
idle threads shown, how long a key takes until the screen answers: the longest of many, pressed at
random moments (? and X, which show and close the help; / and a letter, which filters; Escape). The
view goes before other programs then, so that it is not the machine that is measured."""

import contextlib
import fcntl
import os
import random
import select
import signal
import struct
import subprocess
import termios
import time
from functools import partial

import table
from kit.target import environment, precedes, wait_until
from peers import Failed, attempt
from process import cpu_seconds
from table import Row, Series

TITLE = "The live view"
THREADS, MANY, DEPTH = 20, 500, 10
RATE = 100
SIZE = (40, 120)
# Keys, and what appears on the screen by each.
KEYS = ((b"?", b"Everywhere"), (b"X", b"OwnTime"), (b"/c", b"Filter"), (b"\x1b", b"quit"))


class View:
    """A program in a terminal that nobody looks at."""

    def __init__(self, command):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        try:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=slave, stdout=slave, stderr=slave,
                start_new_session=True, env=environment(TERM="xterm-256color"))
        finally:
            os.close(slave)
        self.said = b""

    def read(self, seconds):
        """What it writes within so many seconds, as soon as there is any."""
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return b""
        with contextlib.suppress(OSError):
            data = os.read(self.master, 1 << 16)
            self.said = (self.said + data)[-4096:]
            return data
        raise Failed("%s ended: %s" % (self.process.args[0], self.said[-200:]))

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(end - time.monotonic())

    def shows(self, text, seconds=20):
        """Waits until text is written."""
        end = time.monotonic() + seconds
        found = b""
        while text not in found:
            if time.monotonic() > end:
                raise Failed("%s shows no %r" % (self.process.args[0], text))
            found = found[-200:] + self.read(0.5)

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGINT)
        end = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(Failed):
                self.read(0.05)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextlib.contextmanager
def shown(command, text):
    view = View(command)
    try:
        view.shows(text)
        yield view
    finally:
        view.close()


def steady(command, text, seconds):
    """Percent of a core, once it shows what it should."""
    with shown(command, text) as view:
        view.run(1.5)
        begin, before = time.monotonic(), view.cpu()
        view.run(seconds)
        return 100 * (view.cpu() - before) / (time.monotonic() - begin)


def cpu(context, python, seconds, rounds):
    ours, theirs = Series(), Series(note=context.pyspy.absent(python) or "")
    with context.target(python, "crowd.py", 3600, 2, THREADS - 2) as target:
        for _ in range(rounds):
            attempt(ours, steady, [context.spy.path, "top", "-r", RATE, "--pid", target.pid],
                    b"spinning", seconds)
            if not theirs.note:
                attempt(theirs, steady, [context.pyspy.path, "top", "-r", RATE, "--pid",
                                         target.pid], b"spinning", seconds)
    return Row("%d threads, %d Hz, %% of a core" % (THREADS, RATE), python.id,
               "≤ 2 %, less than py-spy's", ours, {"py-spy": theirs},
               table.both(table.at_most(table.median(ours), 2),
                          table.at_most(table.median(ours), table.median(theirs))))


def answers(command, presses):
    """Milliseconds until each key is answered."""
    chance = random.Random(1)
    found = []
    with shown(command, b"call_") as view:
        precedes(view.process.pid)
        view.run(1.5)
        for _ in range(presses):
            for key, text in KEYS:
                view.run(chance.uniform(0.05, 0.35))
                begin = time.monotonic()
                os.write(view.master, key)
                view.shows(text)
                found.append(1000 * (time.monotonic() - begin))
    return found


def keys(context, python, presses):
    worst = Series()
    with context.target(python, "bulk.py", MANY, DEPTH) as target:
        wait_until(lambda: len(os.listdir("/proc/%d/task" % target.pid)) > MANY, "its threads")
        found = answers([context.spy.path, "top", "-i", "-r", RATE, "--pid", target.pid], presses)
    worst.add(max(found))
    worst.note = "half of them in %s" % table.human(sorted(found)[len(found) // 2])
    return Row("%d threads, %s functions, ms to answer a key, longest" % (
        MANY, format(MANY * DEPTH, ",")), python.id, "≤ 50", worst, {},
        table.at_most(table.median(worst), 50))


def cases(context):
    for python in context.pythons("3.12"):
        yield partial(cpu, context, python, context.either(10, 2), context.either(3, 1))
        yield partial(keys, context, python, context.either(40, 5))
