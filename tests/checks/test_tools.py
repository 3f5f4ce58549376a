"""The runner itself: a run that tested nothing, or failed, must not look like a good one."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

TALLY = ROOT / "tools/dev/tally.py"
PYTHONS = ROOT / "tools/dev/pythons.py"

CMOCKA = """[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[  SKIPPED ] two
[  FAILED  ] three
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] two
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] three
"""


def tally(path, *words):
    done = subprocess.run([sys.executable, str(TALLY), str(path), *map(str, words)],
                          capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()[-1] if done.stdout else ""


def meson_log(path, *tests):
    path.write_text("".join(json.dumps(test) + "\n" for test in tests))
    return path


def test_nothing_run_is_a_failure(tmp_path):
    assert tally(tmp_path / "t", "close") == (1, "0 passed, 0 failed, 0 skipped")


def test_only_skips_is_a_failure(tmp_path):
    tally(tmp_path / "t", "add", "live", "skipped", "CPython 2.7: none here")
    assert tally(tmp_path / "t", "close") == (1, "0 passed, 0 failed, 1 skipped")


def test_cmocka_counts_its_own_tests(tmp_path):
    log = meson_log(tmp_path / "log", {"name": "unit / test_a", "result": "FAIL", "stdout": CMOCKA})
    tally(tmp_path / "t", "meson", "unit", log)
    assert tally(tmp_path / "t", "close") == (1, "1 passed, 1 failed, 1 skipped")


def test_a_crash_after_the_last_test_counts(tmp_path):
    fine = CMOCKA.replace("FAILED", "PASSED")
    log = meson_log(tmp_path / "log", {"name": "test_a", "result": "FAIL", "stdout": fine})
    tally(tmp_path / "t", "meson", "unit", log)
    assert tally(tmp_path / "t", "close")[0] == 1


def test_a_stage_without_a_log_is_a_failure(tmp_path):
    tally(tmp_path / "t", "add", "fuzz", "passed", "maps")
    tally(tmp_path / "t", "meson", "unit", tmp_path / "absent")
    assert tally(tmp_path / "t", "close") == (1, "1 passed, 1 failed, 0 skipped")


def test_pytest_report(tmp_path):
    report = tmp_path / "r.xml"
    report.write_text('<testsuites><testsuite><testcase classname="a" name="b"/>'
                      '<testcase classname="a" name="c"><skipped message="no 3.6"/></testcase>'
                      '<testcase classname="a" name="d"><failure/></testcase>'
                      "</testsuite></testsuites>")
    tally(tmp_path / "t", "junit", "live", report)
    assert tally(tmp_path / "t", "close") == (1, "1 passed, 1 failed, 1 skipped")


def test_all_passed(tmp_path):
    tally(tmp_path / "t", "add", "fuzz", "passed", "maps")
    assert tally(tmp_path / "t", "close") == (0, "1 passed, 0 failed, 0 skipped")


def test_pythons_records():
    done = subprocess.run([sys.executable, str(PYTHONS), "--json"], capture_output=True, text=True,
                          check=True)
    records = json.loads(done.stdout)
    assert records, "not even the system's python3"
    for record in records:
        assert set(record) == {"id", "version", "kind", "command", "root", "static", "numpy"}
    assert len({record["id"] for record in records}) == len(records)


@pytest.mark.parametrize("words", [["frobnicate"], ["test", "--only", "nonsense"],
                                   ["test", "--bogus"], ["build", "--bogus"]])
def test_dev_refuses_what_it_does_not_know(words):
    done = subprocess.run([str(ROOT / "dev"), *words], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert "dev: " in done.stderr
