"""A screen as terminals of today have it: pyte's, with what pyte leaves out.

The alternate screen, repeated characters, scrolling without a margin, characters without a width,
colours written with colons; and it keeps which modes are on.
"""
import collections
import copy
import re

import pyte
from wcwidth import wcwidth

ALTERNATE = {47, 1047, 1049}
MOUSE = {9, 1000, 1002, 1003}
# The end of what has come so far, where it may be an unfinished sequence.
UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?>=!<]*)?$")
COLONS = re.compile(r"\x1b\[([0-9;:]*:[0-9;:]*)m")


class Screen(pyte.Screen):
    """Cells are pyte's Char: data, fg, bg, bold, reverse, …"""

    def __init__(self, columns, lines):
        self.modes = set()  # the private ones that are on, as DEC and xterm number them
        self.saved = None
        self.bells = 0
        self.unknown = collections.Counter()
        super().__init__(columns, lines)

    # --- modes ---

    @property
    def alternate(self):
        return self.saved is not None

    def set_mode(self, *modes, **kwargs):
        if kwargs.get("private"):
            self.modes |= set(modes)
            if ALTERNATE & set(modes) and self.saved is None:
                self.saved = self.buffer, copy.copy(self.cursor)
                self.buffer = collections.defaultdict(self.buffer.default_factory)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes, **kwargs):
        if kwargs.get("private"):
            self.modes -= set(modes)
            if ALTERNATE & set(modes) and self.saved is not None:
                self.buffer, self.cursor = self.saved
                self.saved = None
                self.ensure_hbounds()
                self.ensure_vbounds()
        super().reset_mode(*modes, **kwargs)

    # --- text ---

    def draw(self, data):
        """As pyte's, but what has no width does not end the text."""
        plain = ""
        for char in data:
            width = wcwidth(char)
            if width == 0 and self.cursor.x:
                super().draw(plain)
                plain = ""
                self.join(char)
            elif width == 2 and self.cursor.x + len(plain) == self.columns - 1:
                super().draw(plain + " ")  # it goes to the next line as a whole
                plain = char
            elif width >= 0:
                plain += char
            else:
                self.unknown[char] += 1
        super().draw(plain)

    def join(self, char):
        """A character without a width belongs to the cell before."""
        line = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        while x and not line[x].data:
            x -= 1
        line[x] = line[x]._replace(data=line[x].data + char)

    def repeat(self, count=1, **_):
        line = self.buffer[self.cursor.y]
        self.draw((line[self.cursor.x - 1].data or " ") * (count or 1))

    # --- lines ---

    def delete_lines(self, count=None):
        count = count or 1
        top, bottom = self.margins or (0, self.lines - 1)
        if not top <= self.cursor.y <= bottom:
            return
        for y in range(self.cursor.y, bottom + 1):
            below = self.buffer.pop(y + count, None) if y + count <= bottom else None
            self.buffer.pop(y, None)
            if below is not None:
                self.buffer[y] = below
        self.carriage_return()

    def index(self):
        self.scrolled(super().index)

    def reverse_index(self):
        self.scrolled(super().reverse_index)

    def scrolled(self, move):
        """pyte lets two rows be one object when it scrolls; here each stays its own."""
        move()
        seen = set()
        for y in list(self.buffer):
            if id(self.buffer[y]) in seen:
                self.buffer[y] = copy.copy(self.buffer[y])
            seen.add(id(self.buffer[y]))

    def scroll_up(self, count=1, **_):
        self.scroll(self.delete_lines, count)

    def scroll_down(self, count=1, **_):
        self.scroll(self.insert_lines, count)

    def scroll(self, change, count):
        kept = copy.copy(self.cursor)
        self.cursor.y = (self.margins or (0, 0))[0]
        change(count or 1)
        self.cursor = kept

    def back_tab(self, count=1, **_):
        for _ in range(count or 1):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

    def bell(self, *_):
        self.bells += 1

    def debug(self, *arguments, **_):
        self.unknown[arguments] += 1

    # --- reading it ---

    def row(self, y):
        """The cells of a row, one per column; that after a wide character has no data."""
        line = self.buffer[y] if y in self.buffer else {}
        return [line[x] if x in line else self.default_char for x in range(self.columns)]

    def text(self, y):
        return "".join(cell.data for cell in self.row(y)).rstrip()


class Stream(pyte.Stream):
    csi = {**pyte.Stream.csi, "b": "repeat", "S": "scroll_up", "T": "scroll_down", "Z": "back_tab"}
    events = pyte.Stream.events | {"repeat", "scroll_up", "scroll_down", "back_tab"}

    def __init__(self, screen, utf8):
        self.rest = ""
        super().__init__(screen)
        self.use_utf8 = utf8

    def feed(self, data):
        data = self.rest + data
        cut = UNFINISHED.search(data)
        self.rest = cut.group() if cut else ""
        data = data[:len(data) - len(self.rest)]
        super().feed(COLONS.sub(plain_colours, data))


def plain_colours(match):
    """38:2::R:G:B and 38:5:N as 38;2;R;G;B and 38;5;N."""
    found = []
    for part in match[1].split(";"):
        words = part.split(":")
        if words[:2] in (["38", "2"], ["48", "2"]):
            words = words[:2] + words[-3:]
        found += words
    return "\x1b[%sm" % ";".join(found)
