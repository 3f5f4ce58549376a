"""Stacks that never existed, in a recording of tests/targets/chains.py (nothing but short
calls) at 1 kHz in the default mode. PYSPYC_TORN_SECONDS sets each recording's length."""

import os

from test_torn import judge

TITLE = "Torn stacks"
HEADER = ("CPython", "samples", "torn", "moments")
SECONDS = float(os.environ.get("PYSPYC_TORN_SECONDS", "10"))
RATE = 1000


def rows(context):
    for python in context.pythons():
        with context.target(python, "chains.py", SECONDS + 60) as target:
            profile = context.spy.record(rate=RATE, pid=target.pid, seconds=SECONDS,
                                         timeout=SECONDS + 60)
            torn, _, seen = judge(profile)
            yield python.id, seen, sum(torn.values()), int(RATE * SECONDS)
