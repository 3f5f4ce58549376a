"""Each interpreter's own line tables, against the lines that it gives itself, for every offset."""
import re
import subprocess

import pytest
from kit import checks
from kit.target import environment

pytestmark = pytest.mark.case("line tables")


def kind_of(version):
    if version < (3, 6):
        return "lnotab_unsigned"
    if version < (3, 10):
        return "lnotab"
    return "310" if version < (3, 11) else "locations"


def test_line_tables(python, place):
    target = subprocess.Popen([*python.command, place.path("tables.py"), "12"],
                              stdout=subprocess.PIPE, env=environment())
    done = subprocess.run([checks.program("lines"), kind_of(python.version)],
                          stdin=target.stdout, stdout=subprocess.PIPE, timeout=120, check=False)
    target.stdout.close()
    assert target.wait(30) == 0
    assert done.returncode == 0, done.stdout.decode()
    tables, lookups, _ = map(int, re.findall(r"\d+", done.stdout.decode()))
    assert tables > 200 and lookups > 20000, done.stdout.decode()
