"""A program in a terminal: keys go in, a screen comes out.

The terminal is a pty of the kernel's with a session of its own (session.py stands for the shell)
and an emulator that draws what the program writes. Tests look at its cells only.
"""
import codecs
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

from kit.emulator import MOUSE, Screen, Stream
from kit.target import environment

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 10.0
# As xterm sends them; those with O where the program has asked for it, with [ otherwise.
ARROWS = {"Up": "A", "Down": "B", "Right": "C", "Left": "D", "Home": "H", "End": "F"}
KEYS = {"Enter": "\r", "Tab": "\t", "Escape": "\x1b", "Backspace": "\x7f", "PgUp": "\x1b[5~",
        "PgDn": "\x1b[6~", "Delete": "\x1b[3~", "BackTab": "\x1b[Z", "Space": " ",
        **{"F%d" % (n + 1): "\x1bO" + letter for n, letter in enumerate("PQRS")},
        **{"F%d" % n: "\x1b[%d~" % code for n, code in zip(
            range(5, 13), (15, 17, 18, 19, 20, 21, 23, 24))},
        **{"C-" + letter: chr(ord(letter) - ord("a") + 1)
           for letter in "abcdefghijklmnopqrstuvwxyz"}}
# Terminals that are none of xterm's kind: by what terminfo says of them.
CAPABILITIES = {"Up": "kcuu1", "Down": "kcud1", "Right": "kcuf1", "Left": "kcub1", "Home": "khome",
                "End": "kend", "PgUp": "kpp", "PgDn": "knp", "BackTab": "kcbt",
                **{"F%d" % n: "kf%d" % n for n in range(1, 13)}}


@functools.lru_cache(None)
def capability(term, name):
    return subprocess.run(["tput", "-T", term, name], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.DEVNULL, timeout=10).stdout.decode("latin-1")


class Terminal:
    """A command in a terminal of its own. Used from one thread; another one reads what it writes."""

    def __init__(self, command, columns=100, lines=30, term="xterm-256color", locale="C.UTF-8",
                 cwd=None, **more):
        self.term = term
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        utf8 = "UTF-8" in locale
        self.screen = Screen(columns, lines)
        self.stream = Stream(self.screen, utf8)
        self.decoder = codecs.getincrementaldecoder("utf-8" if utf8 else "latin-1")("replace")
        self.raw = bytearray()
        self.fault = None  # of the emulator
        self.wrote_at = time.monotonic()
        self.master, self.slave = os.openpty()
        self.path = os.ttyname(self.slave)
        self.set_size(columns, lines)
        self.stty_before = self.stty()
        self.events, self.told = [], b""
        self.control, other = socket.socketpair()
        with other:
            self.leader = subprocess.Popen(
                [sys.executable, "-S", "-E", str(HERE / "session.py"), str(other.fileno()),
                 *map(os.fspath, map(word, command))],
                stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
                pass_fds=[other.fileno()], cwd=cwd, env=variables(term, locale, more))
        self.stop, self.stopping = os.pipe()
        self.reader = threading.Thread(target=self.read, name="terminal", daemon=True)
        self.reader.start()
        self.pid = self.event("pid")

    # --- what becomes of the program ---

    def event(self, *kinds, deadline=DEADLINE):
        """The value of the next event that is of one of these kinds."""
        end = time.monotonic() + deadline
        while True:
            for index, (kind, value) in enumerate(self.events):
                if kind in kinds:
                    del self.events[:index + 1]
                    return value
            left = end - time.monotonic()
            assert left > 0 and self.hear(left), "not within %g s: %s\n%s" % (
                deadline, " or ".join(kinds), self.shown())

    def hear(self, seconds):
        if not select.select([self.control], [], [], seconds)[0]:
            return False
        data = self.control.recv(1000)
        assert data, "the session's leader has ended\n" + self.shown()
        *lines, self.told = (self.told + data).split(b"\n")
        self.events += [pair for line in lines for pair in json.loads(line).items()]
        return True

    def runs(self):
        while self.hear(0):
            pass
        return not any(kind in ("exited", "killed") for kind, _ in self.events)

    def exited(self, deadline=DEADLINE):
        """The program's exit status, negative for a signal, once it has ended and all it wrote is
        on the screen."""
        end = time.monotonic() + deadline
        while self.runs():
            assert time.monotonic() < end, "still runs after %g s\n%s" % (deadline, self.shown())
            self.hear(0.1)
        self.settle()
        text = bytes(self.raw).decode("utf-8", "replace")
        assert "Sanitizer" not in text and "runtime error:" not in text, text[-4000:]
        kind, value = next(event for event in self.events if event[0] in ("exited", "killed"))
        return value if kind == "exited" else -value

    def stopped(self):
        """The signal that suspended it."""
        return self.event("stopped")

    def fg(self):
        self.control.send(b"\n")

    def signal(self, number):
        os.kill(self.pid, number)

    # --- what it writes ---

    def read(self):
        while True:
            if self.stop in select.select([self.master, self.stop], [], [])[0]:
                return
            with self.changed:
                try:
                    data = os.read(self.master, 65536)
                except OSError:  # nobody has the other end any more
                    return
                self.raw += data
                self.wrote_at = time.monotonic()
                try:
                    self.stream.feed(self.decoder.decode(data))
                except Exception as error:  # told by the test, not by this thread
                    self.fault = self.fault or error
                self.changed.notify_all()

    def wait(self, condition, what=None, deadline=DEADLINE):
        """The first true value of condition(self), or a match of a regular expression somewhere on
        the screen."""
        if isinstance(condition, str):
            pattern = re.compile(condition)
            return self.wait(lambda t: pattern.search(t.text()), what or condition, deadline)
        end = time.monotonic() + deadline
        with self.changed:
            while True:
                assert not self.fault, "the emulator: %r" % self.fault
                value = condition(self)
                if value:
                    return value
                left = end - time.monotonic()
                assert left > 0, "not within %g s: %s\n%s" % (deadline, what or "?", self.shown())
                self.changed.wait(min(left, 0.1))

    def gone(self, pattern, deadline=DEADLINE):
        """Waits until nothing on the screen matches any more."""
        self.wait(lambda t: not re.search(pattern, t.text()), "no more " + pattern, deadline)

    def settle(self, quiet=0.06, deadline=DEADLINE):
        """Waits until nothing has been written for a while: what is on the screen is whole."""
        end = time.monotonic() + deadline
        while True:
            with self.lock:
                unread = select.select([self.master], [], [], 0)[0]
                left = 0.001 if unread else self.wrote_at + quiet - time.monotonic()
            if left <= 0:
                return
            assert time.monotonic() < end, "it writes without an end\n" + self.shown()
            time.sleep(left)

    @property
    def lines(self):
        with self.lock:
            return [self.screen.text(y) for y in range(self.screen.lines)]

    def text(self):
        return "\n".join(self.lines)

    def shown(self):
        """The screen as a picture for messages."""
        lines = ["|%s|" % line.ljust(self.screen.columns) for line in self.lines]
        edge = "+%s+" % ("-" * self.screen.columns)
        return "\n".join([edge, *lines, edge])

    def find(self, pattern, least=0):
        """The first row from `least` on that matches; None when there is none."""
        return next((y for y, line in enumerate(self.lines)
                     if y >= least and re.search(pattern, line)), None)

    def cells(self, y):
        with self.lock:
            return self.screen.row(y)

    def looks(self, y, text):
        """How the first cell of text looks in a row: (foreground, background, bold, reverse)."""
        line = "".join(cell.data or "\0" for cell in self.cells(y))
        x = line.index(text)
        cell = self.cells(y)[x]
        return cell.fg, cell.bg, cell.bold, cell.reverse

    def colours(self):
        """All that are on the screen."""
        with self.lock:
            cells = [cell for y in range(self.screen.lines) for cell in self.screen.row(y)]
        return {cell.fg for cell in cells} | {cell.bg for cell in cells}

    # --- what it is sent ---

    def send(self, *keys):
        """Keys by their names, or characters."""
        for key in keys:
            os.write(self.master, self.sequence(key).encode("utf-8"))

    def sequence(self, key):
        if key in CAPABILITIES and not self.term.startswith("xterm"):
            return capability(self.term, CAPABILITIES[key]) or KEYS.get(key, "")
        if key in ARROWS:
            return ("\x1bO" if 1 in self.screen.modes else "\x1b[") + ARROWS[key]
        return KEYS.get(key, key)

    def mouse(self, button, x, y, release=True):
        """A terminal tells of the mouse only if it has been asked to."""
        assert MOUSE & self.screen.modes, "the program has not asked for the mouse"
        assert 1006 in self.screen.modes, "the program has not asked for SGR mouse reports"
        text = "\x1b[<%d;%d;%dM" % (button, x + 1, y + 1)
        if release:
            text += "\x1b[<%d;%d;%dm" % (button, x + 1, y + 1)
        os.write(self.master, text.encode())

    def click(self, x, y):
        self.mouse(0, x, y)

    def wheel(self, x, y, down=True):
        self.mouse(65 if down else 64, x, y, release=False)

    def resize(self, columns, lines):
        with self.lock:
            self.screen.resize(lines, columns)
            self.set_size(columns, lines)

    def set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    # --- the terminal itself ---

    def stty(self):
        """All of its settings, in the form of stty(1)."""
        return subprocess.run(["stty", "-g"], stdin=self.slave, stdout=subprocess.PIPE, check=True,
                              timeout=10).stdout.decode()

    def whole(self):
        """In words, what a program has left behind; None when the terminal is as it was."""
        screen = self.screen
        faults = ["stty %s, was %s" % (self.stty(), self.stty_before)] * (
            self.stty() != self.stty_before)
        faults += ["the alternate screen"] * screen.alternate
        faults += ["mode %d" % mode for mode in screen.modes - {7, 25}]
        faults += ["no cursor"] * screen.cursor.hidden
        look = screen.cursor.attrs
        faults += ["colours"] * ((look.fg, look.bg) != ("default", "default") or look.bold
                                 or look.reverse or look.underscore)
        return ", ".join(faults) or None

    def hang_up(self):
        """The terminal is closed, as when its window is."""
        os.write(self.stopping, b"x")
        self.reader.join(5)
        for end in (self.slave, self.master):
            os.close(end)
        self.slave = self.master = None

    def close(self):
        with contextlib.suppress(OSError):
            if self.runs():
                os.killpg(self.pid, signal.SIGKILL)
        self.control.close()
        if self.master is not None:
            self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.leader.wait(5)
        if self.leader.poll() is None:
            self.leader.kill()
            self.leader.wait()
        os.close(self.stop)
        os.close(self.stopping)


def word(value):
    return value if isinstance(value, (str, bytes, os.PathLike)) else str(value)


def variables(term, locale, more):
    found = environment(TERM=term, LC_ALL=locale, **more)
    for name in ("NO_COLOR", "COLORTERM", "LANG", "LINES", "COLUMNS", "TMUX"):
        if name not in more:
            found.pop(name, None)
    return found
