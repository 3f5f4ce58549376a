#!/usr/bin/env python3
"""Sums what the runners of ./dev test counted, and prints the closing line.

    tally.py FILE meson STAGE TESTLOG.json    meson's log; cmocka's own counts where it has them
    tally.py FILE junit STAGE REPORT.xml      pytest's report
    tally.py FILE add STAGE passed|failed|skipped TEXT
    tally.py FILE close                       table, skips, failures, closing line; status

FILE holds one JSON record a line.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree


def write(path, **record):
    with open(path, "a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")


def cmocka_counts(text):
    """(passed, failed, skipped) that a cmocka program printed, or None when it did not."""
    if not re.search(r"\[==========\] .*\d+ test", text):
        return None
    return [sum(map(int, re.findall(r"\[ *%s *\] .*?(\d+) test" % word, text)))
            for word in ("PASSED", "FAILED", "SKIPPED")]


def from_meson(path, stage, log):
    seen = 0
    if not os.path.exists(log):
        write(path, stage=stage, passed=0, failed=1, skipped=0,
              failures=["meson wrote no log: the tests did not run"])
        return
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            test = json.loads(line)
            seen += 1
            text = (test.get("stdout") or "") + (test.get("stderr") or "")
            counts = cmocka_counts(text)
            name = test["name"].split(" / ")[-1]
            bad = test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")
            if counts is None:
                counts = [0, 0, 1] if test["result"] == "SKIP" else [int(not bad), int(bad), 0]
            elif bad and not counts[1]:
                counts[1] = 1   # it crashed, or a sanitizer spoke after the last test
            failures = re.findall(r"\[  FAILED  \] (\w+)$", text, re.M) if bad else []
            skips = [name + ": " + skipped
                     for skipped in dict.fromkeys(re.findall(r"\[  SKIPPED \] (\w+)$", text, re.M))]
            if test["result"] == "SKIP" and not skips:
                skips = [name]
            write(path, stage=stage, passed=counts[0], failed=counts[1], skipped=counts[2],
                  failures=[name + ": " + one for one in dict.fromkeys(failures)]
                  or ([name + " (" + test["result"].lower() + ")"] if bad else []), skips=skips)
    if not seen:
        write(path, stage=stage, passed=0, failed=1, skipped=0,
              failures=["no test ran in this stage"])


def from_junit(path, stage, report):
    try:
        root = ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError) as error:
        write(path, stage=stage, passed=0, failed=1, skipped=0,
              failures=["pytest left no report (%s)" % error])
        return
    passed, failures, reasons = 0, [], {}
    for case in root.iter("testcase"):
        name = "%s::%s" % (case.get("classname", "").split(".")[-1], case.get("name"))
        skip = case.find("skipped")
        bad = [case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None]
        if bad:
            why = " ".join((bad[0].get("message") or "").split())
            failures.append(name + (": " + why[:300] if why else ""))
        elif skip is not None:
            reasons.setdefault(" ".join((skip.get("message") or "").split()), []).append(name)
        else:
            passed += 1
    skips = ["%s (%d: %s)" % (reason, len(names), ", ".join(names[:3]) + ", …" * (len(names) > 3))
             for reason, names in reasons.items()]
    if not passed and not failures and not skips:
        failures = ["no test ran in this stage"]
    write(path, stage=stage, passed=passed, failed=len(failures),
          skipped=sum(map(len, reasons.values())), failures=failures, skips=skips)


def add(path, stage, outcome, text):
    write(path, stage=stage, passed=int(outcome == "passed"), failed=int(outcome == "failed"),
          skipped=int(outcome == "skipped"), failures=[text] if outcome == "failed" else [],
          skips=[text] if outcome == "skipped" else [])


def close(path):
    records = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
    stages = {}
    for record in records:
        row = stages.setdefault(record["stage"], [0, 0, 0])
        for place, key in enumerate(("passed", "failed", "skipped")):
            row[place] += record[key]
    print()
    for record in records:
        for text in record.get("skips", []):
            print("skipped  %-10s %s" % (record["stage"], text))
    for record in records:
        for text in record.get("failures", []):
            print("FAILED   %-10s %s" % (record["stage"], text))
    print()
    for stage, row in stages.items():
        print("%-12s %5d passed %5d failed %5d skipped" % (stage, *row))
    passed, failed, skipped = (sum(row[place] for row in stages.values()) for place in range(3))
    print("\n%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


def main():
    path, verb, *rest = sys.argv[1:]
    if verb == "close":
        return close(path)
    {"meson": from_meson, "junit": from_junit, "add": add}[verb](path, *rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
