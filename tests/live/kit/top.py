"""`pyspyc top` in a terminal, and what its screen says."""
import re

from kit.figures import number
from kit.terminal import Terminal

HEADING = r"%Own|%GIL|%CPU|(?<!\S)Function\b"
SORTABLE = ("%Own", "%Total", "OwnTime", "TotalTime", "Function", "File:line", "Thread", "State",
            "%GIL", "%CPU")
ARROWS = "▾▴v^"  # beside the heading that the table is sorted by
VIEWS = ("Functions", "Lines", "Tree", "Threads", "Memory", "GIL")


class Top(Terminal):
    """Rows are numbered from 0, at the top of the screen."""

    def __init__(self, program, *arguments, delay=0.2, command="top", **more):
        delays = () if delay is None else ("--delay", delay)
        super().__init__([program, command, *delays, *arguments], **more)

    @property
    def bottom(self):
        return self.lines[-1]

    def columns(self, y):
        """A row with a character for each column, the second half of a wide one being \\0."""
        return "".join(cell.data[:1] or "\0" for cell in self.cells(y))

    # --- the tabs ---

    def tabs(self):
        """The row with the views' names."""
        return self.find(r"\bFunctions\b.*\bLines\b.*\bTree\b")

    def view(self):
        """The view whose tab looks different from all the others; None while there is none."""
        y = self.tabs()
        if y is None:
            return None
        line = self.columns(y)
        looks = {name: self.looks(y, name) for name in VIEWS if name in line}
        alone = [name for name, look in looks.items() if list(looks.values()).count(look) == 1]
        return alone[0] if len(alone) == 1 and len(looks) > 2 else None

    def go(self, name, *keys):
        """Presses keys and waits for the view called so."""
        self.send(*keys)
        return self.wait(lambda t: t.view() == name, "the view " + name)

    # --- tables ---

    def heading(self, *names):
        """The row of a table's headings, which has all these words."""
        y = self.find("".join("(?=.*%s)" % re.escape(name) for name in names) or HEADING)
        return y

    def rows(self, *names):
        """The lines below the headings that are not blank, but for the bottom line."""
        y = self.heading(*names)
        return [line for line in self.lines[y + 1:-1] if line.strip()] if y is not None else []

    def cell(self, y, heading, at=None):
        """The text in row y that stands below a heading; at: the row of the headings."""
        with self.lock:
            line = self.columns(self.heading(heading) if at is None else at)
            begin = line.index(heading)
            end = begin + len(heading)
            row = self.columns(y)
        if not row[begin:end].strip():
            return ""
        while begin > 0 and row[begin - 1] != " " and row[begin] != " ":
            begin -= 1
        while end < len(row) and row[end] != " " and row[end - 1] != " ":
            end += 1
        return row[begin:end].strip()

    def value(self, pattern, heading, at=None):
        """The figure below a heading in the first row of the table that matches; None: no row."""
        with self.lock:
            top = self.heading(heading) if at is None else at
            if top is None:
                return None
            y = self.find(pattern, top + 1)
            if y is None or y >= self.screen.lines - 1:
                return None
            text = self.cell(y, heading, top)
        return number(text) if text not in ("", "-") else None

    def sorted_by(self):
        """The heading that looks different from the others."""
        y = self.heading()
        line = self.columns(y)
        names = [name for name in SORTABLE if re.search(
            r"(?<![^\s%s])%s(?![^\s%s])" % (ARROWS, name, ARROWS), line)]
        looks = {name: self.looks(y, name) for name in names}
        alone = [name for name in names if list(looks.values()).count(looks[name]) == 1]
        return alone[0] if len(alone) == 1 else None

    def cursor(self):
        """The row below the headings that stands out from its first column to its last."""
        y = self.heading()
        if y is None:
            return None
        headings = self.cells(y)[-1]  # a table below has such a line, too
        rows = []
        for row in range(y + 1, self.screen.lines - 1):
            cells = self.cells(row)
            if all(cell.reverse or cell.bg != "default" for cell in cells) and (
                    headings.bg == "default" or cells[-1].bg != headings.bg):
                rows.append(row)
        return rows[0] if len(rows) == 1 else None

    def under_cursor(self):
        y = self.cursor()
        return None if y is None else self.lines[y]

    def quit(self):
        """Ends it with q; the terminal is as it was."""
        self.send("q")
        status = self.exited()
        assert self.whole() is None, self.whole()
        return status
