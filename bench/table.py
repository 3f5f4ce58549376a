"""Figures, requirements and verdicts, and how they are written down."""

import dataclasses
import statistics

REACHED, BEHIND, OPEN = "reached", "behind", "open"
PEERS = ("py-spy", "Austin", "Tachyon")
HEADER = ("what", "CPython", "must", "result", "pyspyc")


def human(value):
    size = abs(value)
    if size >= 1000:
        return format(value, ",.0f")
    for least, form in ((100, ".0f"), (10, ".1f"), (1, ".2f"), (0.001, ".3f")):
        if size >= least:
            return format(value, form)
    return "0" if value == 0 else format(value, ".1e")


class Series:
    """What was measured several times: the median, and from the least to the greatest."""

    def __init__(self, values=(), note=""):
        self.values = list(values)
        self.note = note

    def add(self, value):
        if value is not None:
            self.values.append(value)
        return value

    @property
    def median(self):
        return statistics.median(self.values)

    def __bool__(self):
        return bool(self.values)

    def __str__(self):
        if not self.values:
            return self.note or "failed"
        text = human(self.median)
        if len(self.values) > 1:
            text += " (%s…%s)" % (human(min(self.values)), human(max(self.values)))
        return text + (", " + self.note if self.note else "")


@dataclasses.dataclass(frozen=True)
class Verdict:
    state: str
    text: str


def at_least(found, limit):
    """A verdict on figures that should be large."""
    if limit is None:
        return Verdict(OPEN, "nothing to compare with")
    if found is None:
        return Verdict(BEHIND, "no figure")
    if found >= limit:
        return Verdict(REACHED, "reached")
    return Verdict(BEHIND, "behind: %s of %s" % (human(found), human(limit)))


def at_most(found, limit):
    """A verdict on figures that should be small."""
    if limit is None:
        return Verdict(OPEN, "nothing to compare with")
    if found is None:
        return Verdict(BEHIND, "no figure")
    if found <= limit:
        return Verdict(REACHED, "reached")
    return Verdict(BEHIND, "behind: %s, not %s" % (human(found), human(limit)))


CHEAPEST = "≤ Austin's, or Tachyon's"


def at_most_cheapest(ours, peers):
    """A verdict on CPU, against the cheaper of those that are cheap."""
    rivals = {name: peers.get(name) for name in ("Austin", "Tachyon")}
    return at_most(median(ours), best(min, rivals))


def both(*verdicts):
    """The worst of several."""
    for state in (BEHIND, OPEN):
        texts = [verdict.text for verdict in verdicts if verdict.state == state]
        if texts:
            return Verdict(state, "; ".join(texts))
    return verdicts[0]


@dataclasses.dataclass
class Row:
    """One line of the table: what was asked for, and what each profiler did."""

    what: str
    python: str
    must: str
    ours: object
    peers: dict
    verdict: Verdict
    columns: tuple = PEERS  # names of those that stand beside pyspyc

    def cells(self):
        cells = [self.what, self.python, self.must, self.verdict.text, self.ours]
        cells += [self.peers.get(name, "–") for name in self.columns]
        return [str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells]

    def line(self):
        return "| " + " | ".join(self.cells()) + " |"


def median(series):
    """None when there is no figure, or when one of them failed."""
    return series.median if series and not series.note.startswith("failed") else None


def best(choose, peers):
    """The better of the peers' medians; None when there is no peer."""
    found = [series.median for series in peers.values() if isinstance(series, Series) and series]
    return choose(found) if found else None


def head(columns):
    names = (*HEADER, *columns)
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]


def tables(rows):
    """A new table where the columns change."""
    out, columns = [], None
    for row in rows:
        if row.columns != columns:
            out += ([""] if out else []) + head(row.columns)
            columns = row.columns
        out.append(row.line())
    return out


def markdown(parts):
    """parts: (title, words, rows) of each measurement. What is behind comes first."""
    rows = [row for _, _, found in parts for row in found]
    behind = [row for row in rows if row.verdict.state == BEHIND]
    reached = sum(row.verdict.state == REACHED for row in rows)
    out = ["", "%d rows: %d behind, %d reached, %d without a verdict." % (
        len(rows), len(behind), reached, len(rows) - len(behind) - reached)]
    if behind:
        out += ["", "## Behind", "", *tables(behind)]
    for title, words, found in parts:
        rest = [row for row in found if row.verdict.state != BEHIND]
        out += ["", "## " + title, "", words, ""]
        if rest:
            out += tables(rest)
        if len(rest) < len(found):
            out += ([""] if rest else []) + ["Behind, and above: %s." % ", ".join(
                "%s (%s)" % (row.what, row.python) for row in found
                if row.verdict.state == BEHIND)]
    return out
