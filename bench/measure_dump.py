"""Wall time of one dump of tests/targets/chains.py, start to end of the program: median and
least of 20, the two programs in turn."""

import statistics
import subprocess
import time

TITLE = "Time of a dump"
HEADER = ("CPython", "pyspyc, median ms", "least", "py-spy, median ms", "least")
RUNS = 20


def timed(command):
    """Milliseconds, or None when the program failed."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False)
    return (time.perf_counter() - begin) * 1000 if done.returncode == 0 else None


def summary(times):
    good = [one for one in times if one is not None]
    if not good:
        return "failed", "–"
    note = "" if len(good) == len(times) else " (%d of %d failed)" % (len(times) - len(good),
                                                                     len(times))
    return "%.1f%s" % (statistics.median(good), note), "%.1f" % min(good)


def rows(context):
    for python in context.pythons():
        with context.target(python, "chains.py", 600) as target:
            pid = str(target.pid)
            ours, theirs = [], []
            for _ in range(RUNS):
                ours.append(timed([context.spy.path, "dump", "--pid", pid]))
                if context.pyspy:
                    theirs.append(timed([context.pyspy, "dump", "--pid", pid]))
            yield (python.id, *summary(ours), *(summary(theirs) if theirs else ("absent", "–")))
