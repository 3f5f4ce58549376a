"""Whatever ends or suspends `pyspyc top`, the terminal is as it was before."""
import os
import re
import shlex
import signal

import pytest
from kit import target as system
from kit.target import wait_until
from kit.tmux import Tmux

pytestmark = pytest.mark.pythons(only=("system",))
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
CRASHES = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL]
TERMS = ["xterm-256color", "xterm", "vt100", "linux"]


def names_of(number):
    return signal.Signals(number).name if isinstance(number, signal.Signals) else None


def writes(pid):
    """Whether it is in write(2) now."""
    with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
        return file.read().split()[0] == {"x86_64": "1"}.get(os.uname().machine, "64")


def pending(pid):
    """Whether a signal has been sent that it has not taken yet."""
    try:
        return int(re.search(r"ShdPnd:\s*(\w+)", system.proc(pid, "status"))[1], 16) != 0
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False


def opened(top, launch, **more):
    """A screen that shows a target."""
    target = launch("spin.py")
    screen = top("-p", target.pid, **more)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    # The test could not fail if there were nothing to give back.
    assert screen.stty() != screen.stty_before and screen.whole()
    return target, screen


def left(screen, target):
    """The terminal is whole, nothing of the screen is left, and the target goes on."""
    assert screen.whole() is None, screen.whole()
    if screen.term.startswith("xterm"):  # others have no second screen
        assert "%Own" not in screen.text()
    assert system.state(target.pid) in "RS"


@pytest.mark.quick
@pytest.mark.case("top: the terminal after q")
@pytest.mark.parametrize("term", TERMS)
def test_quit(top, launch, term):
    target, screen = opened(top, launch, term=term)
    screen.send("q")
    assert screen.exited() == 0
    left(screen, target)


@pytest.mark.case("top: the terminal after ^C")
def test_interrupt(top, launch):
    target, screen = opened(top, launch)
    screen.send("C-c")
    assert screen.exited() in (0, 130, -signal.SIGINT)
    left(screen, target)


@pytest.mark.case("top: the terminal after a signal")
@pytest.mark.parametrize("number", ENDING, ids=names_of)
def test_signalled(top, launch, number):
    target, screen = opened(top, launch)
    screen.signal(number)
    assert screen.exited(3) in (0, 128 + number, -number)
    left(screen, target)


@pytest.mark.case("top: the terminal after a signal")
def test_signalled_over(top, launch):
    """Also with a prompt open, and paused."""
    target, screen = opened(top, launch)
    screen.send("p", "?")
    screen.wait("Everywhere")
    screen.send("/", "a")
    screen.settle()
    screen.signal(signal.SIGTERM)
    screen.exited(3)
    left(screen, target)


@pytest.mark.case("top: the terminal after a signal")
def test_signalled_at_the_end(top, launch):
    """And while it only waits for the user, the target having ended."""
    target, screen = opened(top, launch)
    target.signal(signal.SIGTERM)
    screen.wait("(?i)ended")
    target.finish()
    screen.signal(signal.SIGTERM)
    screen.exited(3)
    assert screen.whole() is None, screen.whole()


@pytest.mark.case("top: the terminal after a signal")
def test_signalled_stalled(top, launch):
    """Two signals end it even where nobody takes what it writes."""
    target, screen = opened(top, launch)
    with screen.lock:  # nothing is read from the terminal any more
        wait_until(lambda: screen.send("C-l") or writes(screen.pid), "it waits for the terminal", 10)
        for _ in range(2):
            screen.signal(signal.SIGTERM)
            wait_until(lambda: not pending(screen.pid), "it has got the signal", 5)
        wait_until(lambda: not screen.runs(), "it ends", 5)
    assert system.state(target.pid) in "RS"


@pytest.mark.case("top: the terminal after a crash")
@pytest.mark.parametrize("number", CRASHES, ids=names_of)
def test_crash(top, launch, number):
    """The signal is still what it ends by, so that there is a core."""
    target, screen = opened(top, launch)
    screen.signal(number)
    assert screen.exited(5) == -number
    left(screen, target)


@pytest.mark.case("top: the terminal after a crash")
def test_quit_key(top, launch):
    """Ctrl-\\, which the kernel sends, ends it in the midst of all."""
    target, screen = opened(top, launch)
    screen.send("\x1c")
    assert screen.exited(5) == -signal.SIGQUIT
    left(screen, target)


@pytest.mark.case("top: the terminal after ^C")
def test_interrupt_is_not_the_program_s(top, command):
    """Ctrl-C ends the screen; the program that was started has not heard of it."""
    screen = top("--", *command("spin.py"))
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    program = int(screen.lines[0].split()[0])
    screen.send("C-c")
    screen.wait("waiting for the program")
    assert screen.runs() and system.state(program) in "RS"
    assert screen.whole() is None, screen.whole()
    screen.send("C-c")
    wait_until(lambda: system.state(program) in ("gone", "Z"), "the second one reaches it", 5)
    screen.exited()


@pytest.mark.case("top: the terminal closed")
def test_hang_up(top, launch):
    """It ends by itself; it neither spins nor stays."""
    target, screen = opened(top, launch)
    screen.hang_up()
    wait_until(lambda: system.state(screen.pid) in ("gone", "Z"), "it ends", 5)
    assert system.state(target.pid) in "RS"


@pytest.mark.quick
@pytest.mark.case("top: ^Z and fg")
@pytest.mark.parametrize("term", TERMS[:2])
def test_suspend(top, launch, term):
    """The terminal is the shell's meanwhile; then all is drawn anew, in the size of then."""
    target, screen = opened(top, launch, term=term)
    for _ in range(2):
        screen.send("C-z")
        assert screen.stopped() == signal.SIGTSTP
        screen.settle()
        left(screen, target)
        screen.resize(90, 24)
        with screen.lock:
            screen.stream.feed("a shell's prompt\r\n" * 5)
        screen.fg()
        screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
        screen.gone("prompt")
        assert screen.stty() != screen.stty_before and "quit" in screen.bottom
        # Nothing counts that went on meanwhile.
        assert screen.value(r"\binner\b", "%Own") <= 1.02
    screen.send("q")
    assert screen.exited() == 0
    left(screen, target)


@pytest.mark.case("top: ^Z and fg")
def test_stopped_from_outside(top, launch):
    """SIGTSTP as ^Z; SIGSTOP cannot be caught, but SIGCONT draws anew."""
    target, screen = opened(top, launch)
    screen.signal(signal.SIGTSTP)
    assert screen.stopped() == signal.SIGTSTP
    screen.settle()
    left(screen, target)
    screen.fg()
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    screen.signal(signal.SIGSTOP)
    assert screen.stopped() == signal.SIGSTOP
    screen.settle()
    with screen.lock:
        screen.stream.feed("\x1b[2J\x1b[HRUBBISH")
    screen.fg()
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    screen.gone("RUBBISH")
    screen.send("q")
    assert screen.exited() == 0
    left(screen, target)


@pytest.mark.case("top: ^Z and fg")
@pytest.mark.parametrize("stop", ["C-z", signal.SIGSTOP], ids=str)
def test_ended_while_stopped(top, launch, stop):
    """As a shell's kill does: SIGTERM, then SIGCONT, in the background. It must not stop again."""
    target, screen = opened(top, launch)
    if stop == "C-z":
        screen.send(stop)
    else:
        screen.signal(stop)
    screen.stopped()
    screen.settle()
    written = len(screen.raw)
    screen.signal(signal.SIGTERM)
    screen.signal(signal.SIGCONT)
    assert screen.exited(5) in (128 + signal.SIGTERM, -signal.SIGTERM, 0)
    assert system.state(target.pid) in "RS"
    if stop == "C-z":  # all was given back already: the shell's screen is not touched
        assert len(screen.raw) == written
        left(screen, target)
    else:
        assert not screen.screen.alternate and not screen.screen.cursor.hidden


@pytest.mark.case("top: in tmux")
def test_tmux(spy, launch):
    """In another terminal and a real shell: the view, ^Z, fg, a resize, q."""
    target = launch("spin.py")
    window = Tmux()
    try:
        window.type("stty -g > %s/before" % spy.folder)
        window.type("%s top --delay 0.2 -p %d" % (shlex.quote(spy.path), target.pid))
        window.wait(lambda text: "inner" in text and "%Own" in text, "the view")
        assert window.alternate()
        window.send("C-z")
        window.wait("ready>")
        wait_until(lambda: not window.alternate(), "the screen is given back")
        window.type("stty -g > %s/between; fg" % spy.folder)
        window.wait(lambda text: "inner" in text and "quit" in text.rstrip().splitlines()[-1],
                    "the view again")
        window.run("resize-window", "-x", 60, "-y", 15)
        window.wait(lambda text: len(text.rstrip("\n").split("\n")) == 15
                    and "quit" in text.rstrip().splitlines()[-1], "the view in another size")
        window.send("q")
        window.wait("ready>")
        wait_until(lambda: not window.alternate(), "the screen is given back")
        window.type("stty -g > %s/after; echo told" % spy.folder)
        window.wait(lambda text: "\ntold" in text, "the shell answers")
        found = [(spy.folder / name).read_text() for name in ("before", "between", "after")]
        assert found[0] and found[0] == found[1] == found[2]
    finally:
        window.close()
    assert os.path.isdir("/proc/%d" % target.pid)
