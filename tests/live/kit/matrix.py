"""The table of interpreters and cases at the end of a run."""
import collections
import os

SIGNS = {"passed": "ok", "failed": "FAIL", "error": "FAIL", "skipped": "skip"}
WORST = ("FAIL", "skip", "ok")


class Matrix:
    """Collects the outcome of each test that has a `case`; a plugin of pytest."""

    def __init__(self, order):
        self.order = order
        self.cells = collections.defaultdict(list)
        self.cases = []
        self.rows = []

    def pytest_runtest_logreport(self, report):
        properties = dict(report.user_properties)
        if report.outcome == "rerun":  # not the last word
            return
        if "case" not in properties or (report.when != "call" and report.outcome == "passed"):
            return
        case, python = properties["case"], properties.get("python", "any")
        if case not in self.cases:
            self.cases.append(case)
        if python not in self.rows:
            self.rows.append(python)
        self.cells[python, case].append(SIGNS[report.outcome])

    def cell(self, python, case):
        signs = self.cells.get((python, case))
        return min(signs, key=WORST.index) if signs else "-"

    def is_fine(self, case):
        return all(self.cell(row, case) in ("ok", "-") for row in self.rows)

    def lines(self, cases):
        """The table: a row per case, a column per interpreter."""
        rank = {identity: place for place, identity in enumerate(self.order)}
        columns = sorted(self.rows, key=lambda row: (rank.get(row, len(rank)), row))
        width = max(map(len, cases), default=4)
        widths = [max(len(column), 4) for column in columns]
        yield "  ".join(["case".ljust(width)] + [c.ljust(w) for c, w in zip(columns, widths)])
        for case in sorted(cases):
            yield "  ".join([case.ljust(width)] + [
                self.cell(column, case).ljust(w) for column, w in zip(columns, widths)]).rstrip()

    def pytest_terminal_summary(self, terminalreporter):
        if not self.cases:
            return
        path = os.environ.get("PYSPYC_MATRIX")
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(self.lines(self.cases)) + "\n")
        odd = [case for case in self.cases if not self.is_fine(case)]
        terminalreporter.section("interpreters and cases")
        terminalreporter.write_line("%d cases are ok on every interpreter that they are for%s" % (
            len(self.cases) - len(odd), ": see " + path if path else ""))
        for line in self.lines(odd) if odd else ():
            terminalreporter.write_line(line)
