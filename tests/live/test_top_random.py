"""`pyspyc top` under keys, clicks and sizes that nobody would choose, the same ones each time."""
import contextlib
import random
import signal
import time

import pytest

pytestmark = pytest.mark.pythons(only=("system",))
NAMED = ["Up", "Down", "Left", "Right", "PgUp", "PgDn", "Home", "End", "Tab", "BackTab", "Enter",
         "Escape", "Backspace", "Delete", "C-l", "C-u", *["F%d" % n for n in range(1, 10)]]
ODD = ["\x1bOp", "\x1b[200~", "\x1b[1;5A", "\x1b", "\x7f", "é", "\U0001f600", "\u0301"]
KEYS = [*"1234567890hjklnNLRXxovzHtcegip+-=*?d ", *NAMED, *ODD]
PATTERNS = ["a.*", "(", "[", "x{3}", "x{300}", ".", "^", "inner", "\\1", "é" * 90, "(a|b)*" * 30]
SIZES = [(40, 10), (1, 1), (5, 3), (20, 5), (80, 24), (300, 100), (100, 30)]
STEPS = 250


def keys(screen, chance):
    screen.send(*chance.choices(KEYS, k=chance.randint(1, 6)))


def pattern(screen, chance):
    screen.send("/", *chance.choice(PATTERNS), chance.choice(["Enter", "Escape", "Backspace"]))


def mouse(screen, chance):
    act = chance.choice([screen.click, screen.wheel])
    x, y = chance.randrange(screen.screen.columns), chance.randrange(screen.screen.lines)
    for _ in range(chance.randint(1, 3)):
        act(x, y)


def size(screen, chance):
    screen.resize(*chance.choice(SIZES))


def suspend(screen, _chance):
    screen.send("C-z")
    screen.stopped()
    screen.settle()
    screen.fg()
    # Until then keys are the shell's, the next ^Z as well.
    screen.wait(lambda t: t.screen.alternate, "the screen again")


def save(screen, chance):
    screen.send("s", chance.choice(["f", "o", "Escape"]))


ACTS, WEIGHTS = zip((keys, 70), (pattern, 8), (mouse, 12), (size, 8), (suspend, 1), (save, 1))


@pytest.mark.case("top: random keys")
@pytest.mark.parametrize("target, arguments, seed", [
    (("odd_names.py",), (), 1), (("threads.py", "spin"), ("-t",), 2),
    (("recursive.py",), ("-i", "--view", "tree"), 3)], ids=["names", "threads", "tree"])
def test_random(top, launch, target, arguments, seed):
    """It lives, says nothing of errors, still heeds Escape and q, and leaves the terminal whole."""
    chance = random.Random(seed)
    process = launch(*target)
    screen = top("-p", process.pid, *arguments, delay=0.1)
    screen.wait("quit")
    for step in range(STEPS):
        chance.choices(ACTS, WEIGHTS)[0](screen, chance)
        assert screen.runs() and not screen.fault, "step %d: %r" % (step, screen.fault)
        time.sleep(chance.choice([0, 0, 0.005, 0.02]))
        if step == STEPS * 3 // 4:  # from then on it is about what has been seen
            process.signal(signal.SIGKILL)
    screen.resize(100, 30)
    deadline = time.monotonic() + 10
    while screen.runs() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            screen.send("Escape")
            screen.settle()
            screen.send("q")
            screen.settle()
    assert screen.exited() == 0
    assert screen.whole() is None, screen.whole()
    assert not screen.screen.bells
