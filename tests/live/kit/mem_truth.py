"""What pyspyc mem says of tests/targets/mem_truth.py, against what that measures itself."""
import re
from collections import Counter

from kit.figures import number
from kit.memory import MEGABYTE, recorded

VERSIONS = ("3.8", "3.10", "3.12", "3.13", "3.14", "3.15", "3.13t")
SCENARIOS = ("simple", "threads", "c", "reused", "numpy")
SIZE, ROUNDS = 8, 4


def booked(profile, lines):
    """Bytes by the innermost frame that is on one of the lines."""
    found = Counter()
    for frames, size in profile.frames():
        for frame in reversed(frames):
            if frame.file.endswith("mem_truth.py") and frame.line in lines:
                found[frame.line] += size
                break
        else:
            found[None] += size
    return found


def one_run(spy, target, rate):
    """A recording of one run: what it says, what the target says, and the peak that is printed."""
    output, said, facts = recorded(spy, target, "folded", rate=rate)
    truth = {int(line): size for line, size in facts["grown"].items()
             if size > ROUNDS * MEGABYTE}
    peak = re.search(r"peak ([\d.]+[KMG])", said)
    assert peak, said
    return booked(spy.read(output), truth), truth, number(peak[1]), facts["peak"]


def errors(found, truth):
    """By line: what part of its growth is too much, or missing."""
    return {line: found[line] / size - 1 for line, size in truth.items()}
