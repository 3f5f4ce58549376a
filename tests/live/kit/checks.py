"""The programs of tests/unit that tests written in Python run (check_NAME.c)."""
import os
import pathlib

import pytest
from kit.pythons import REPOSITORY


def program(name):
    """The path of check_NAME, which is built with the unit tests."""
    build = pathlib.Path(os.environ.get("PYSPYC_BUILD") or REPOSITORY / "build")
    path = build / "tests" / "unit" / ("check_" + name)
    if not path.exists():
        pytest.fail("no program at %s: build it (./dev build) or set PYSPYC_BUILD" % path)
    return str(path)
