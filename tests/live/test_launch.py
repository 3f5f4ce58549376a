"""Programs that pyspyc starts: status, streams, terminal, user, wrappers, duration."""
import os
import pty
import re
import select
import signal
import stat
import sys
import time

import pytest
from conftest import FEW
from kit import target as system
from kit.spy import Folded, ended
from kit.target import environment

few = pytest.mark.pythons(only=FEW)
static = pytest.mark.pythons(only=("system",))
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


def program(python, place, name, *arguments):
    return [*python.command, place.path(name), *map(str, arguments)]


@few
@pytest.mark.case("launch: exit status")
@pytest.mark.parametrize("word, status", [
    ("exit=0", 0), ("exit=3", 3), ("exit=255", 255), ("raise", 1), ("signal=15", 143),
    ("signal=9", 137), ("signal=6", 134)])
def test_status(spy, command, word, status):
    spy.record(launch=command("ends.py", "spin=0.1", word), status=status)


@few
@pytest.mark.case("launch: output as unprofiled")
def test_unharmed(spy, command, start):
    """Standard streams, their order and the status are those of a run without pyspyc."""
    words = command("ends.py", "out=first", "err=second", "copy", "spin=0.1", "out=last", "exit=9")
    text = b"one\ntwo\nlast line without end"
    alone = start(words, ready=False, stderr=-1)
    alone_out, alone_error = alone.process.communicate(text, timeout=20)
    output = spy.file(".svg")
    done = spy.run("record", "-o", output, "--", *words, status=alone.finish(), text=text)
    assert done.stdout == alone_out
    assert alone_error in done.stderr
    assert output.stat().st_size > 1000


@few
@pytest.mark.case("launch: from the first frame on")
def test_first_frame(spy, place, python):
    """A program that computes at once for a short time is seen in full, and its start-up too."""
    place.put("early/sitecustomize.py", "import time\nend = time.time() + 0.1\n"
              "while time.time() < end:\n    pass\n")
    path = place.put("short.py", "import time\nend = time.time() + 0.1\nwhile time.time() < end:\n"
                     "    pass\n")
    profile = spy.record(rate=1000, launch=[*python.command, path],
                         env=environment(PYTHONPATH=place.inside + "/targets/early"))
    for name in ("sitecustomize.py", "short.py"):
        found = profile.count(lambda f, n=name: f[-1].file.endswith(n) and f[-1].line in (3, 4))
        assert found and found + profile.truth["missed"] >= 80, (name, found, profile.truth)


@few
@pytest.mark.case("launch: runs on after -d")
def test_duration(spy, command):
    """pyspyc writes at -d, waits, and hands on the status; the program is not killed."""
    output = spy.file(".folded")
    process = spy.start("record", "-d", 0.3, "-r", 200, "-o", output, "--",
                        *command("ends.py", "out=go", "spin=1.2", "out=done", "exit=6"))
    assert process.stdout.readline() == b"go\n"
    system.wait_until(output.exists, "the profile is there", 5)
    assert process.poll() is None, "pyspyc waits for the program"
    assert 2 <= Folded(output.read_text(encoding="utf-8")).samples <= 75
    out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (6, b"done\n"), error


@static
@pytest.mark.case("launch: signal after -d")
def test_interrupted_after_duration(spy, command):
    """A signal to pyspyc while it only waits: the program runs on, and is not killed."""
    output = spy.file(".folded")
    process = spy.start("record", "-d", 0.2, "-o", output, "--",
                        *command("ends.py", "out=go", "spin=0.9", "out=done"))
    assert process.stdout.readline() == b"go\n"
    child, = system.wait_until(lambda: system.children(process.pid), "the program")
    system.wait_until(output.exists, "the profile is there", 5)
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    assert system.state(child) in "RS" or process.returncode == 0
    assert process.stdout.readline() == b"done\n"


@few
@pytest.mark.case("launch: terminal")
def test_terminal(spy, command):
    """On a terminal the program has all three streams, reads and is interrupted as usual."""
    master, slave = pty.openpty()
    output = spy.file(".folded")
    try:
        process = spy.start("record", "-o", output, "-r", 200, "--",
                            *command("ends.py", "tty", "copy", "spin=60"),
                            stdin=slave, stdout=slave, stderr=slave, prefix=["setsid", "--ctty"],
                            env=environment(TERM="xterm"))
        os.close(slave)
        text = read_until(master, "tty 111")
        os.write(master, b"typed\n")
        text += read_until(master, "copy typed")
        os.write(master, b"\x04")
        child, = system.wait_until(lambda: system.children(process.pid), "the program")
        system.wait_until(lambda: system.cpu_ticks(child) > 20, "the program computes")
        os.write(master, b"\x03")
        read_until(master, "KeyboardInterrupt")
        process.wait(10)
    finally:
        os.close(master)
    # Python up to 3.7 ends with status 1 after ^C, later ones kill themselves by the signal.
    assert process.returncode in (1, 130)
    assert Folded(output.read_text(encoding="utf-8")).having("spin") > 10


def read_until(descriptor, wanted, deadline=20):
    """What comes from a terminal, up to a match of the expression `wanted`."""
    text = ""
    end = time.monotonic() + deadline
    while not re.search(wanted, text):
        assert time.monotonic() < end, "no %r on the terminal but %r" % (wanted, text)
        if select.select([descriptor], [], [], 0.1)[0]:
            text += os.read(descriptor, 65536).decode("utf-8", "replace")
    return text


@static
@pytest.mark.case("launch: progress on a terminal")
def test_progress(spy, launch):
    """Attached, on a terminal: a progress line, gone at the end; ^C leaves the terminal whole."""
    target = launch("spin.py")
    master, slave = pty.openpty()
    output = spy.file(".folded")
    try:
        process = spy.start("record", "-o", output, "-p", target.pid, stdin=slave, stdout=slave,
                            stderr=slave, prefix=["setsid", "--ctty"])
        before = os.popen("stty -a < %s" % os.ttyname(slave)).read()
        text = read_until(master, r"\b[1-9]\d* samples")
        os.write(master, b"\x03")
        end = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.05)[0]:
                text += os.read(master, 65536).decode("utf-8", "replace")
        assert process.returncode == 0, text
        assert os.popen("stty -a < %s" % os.ttyname(slave)).read() == before
        while select.select([master], [], [], 0.1)[0]:
            text += os.read(master, 65536).decode("utf-8", "replace")
    finally:
        os.close(master)
        os.close(slave)
    assert Folded(output.read_text(encoding="utf-8")).samples > 0
    assert text.endswith("\r\n"), repr(text[-200:])


@few
@pytest.mark.case("launch: wrapper")
@pytest.mark.parametrize("wrapper", ["sh-exec", "sh-fork", "env", "delayed"])
def test_wrapper(spy, command, wrapper):
    """The interpreter is found however late and however deep a wrapper starts it."""
    words = command("ends.py", "spin=0.4", "exit=4")
    line = " ".join(words)
    wrapped = {
        "sh-exec": ["sh", "-c", "sleep 0.2; exec " + line],
        "sh-fork": ["sh", "-c", line + "; exit $?"],
        "env": ["env", "WRAPPED=1", *words],
        "delayed": ["sh", "-c", "sleep 0.3; %s; exit 11" % line],
    }[wrapper]
    profile = spy.record(launch=wrapped, status={"delayed": 11}.get(wrapper, 4))
    assert profile.seen("spin") >= 40


@few
@pytest.mark.case("attach: wrapper")
@pytest.mark.parametrize("wrapper", ["exec", "fork"])
def test_attach_wrapper(spy, start, command, wrapper):
    """Attached to a shell that starts Python later, pyspyc waits and finds it."""
    words = " ".join(command("ends.py", "spin=0.8", "exit=4"))
    shell = start(["sh", "-c", "sleep 0.3; exec " + words if wrapper == "exec"
                   else "sleep 0.3; %s; exit 11" % words], ready=False)
    profile = spy.record(*([] if wrapper == "exec" else ["-s"]), pid=shell.pid, seconds=20)
    assert profile.seen("spin") >= 80
    assert shell.finish() == (4 if wrapper == "exec" else 11)


@pytest.mark.case("attach: in mid-startup")
def test_attach_early(spy, start, command):
    """Right after the start, when there is no interpreter yet: the recording gets it all."""
    for _ in range(2):
        target = start(command("ends.py", "spin=0.6"), ready=False)
        profile = spy.record(pid=target.pid, seconds=20)
        assert profile.seen("spin") >= 60
        assert target.finish() == 0


@pytest.mark.case("dump: in mid-startup")
@few
def test_dump_early(spy, start, command):
    """A dump during start-up shows a stack or says why not, and harms nothing."""
    for _ in range(10):
        target = start(command("ends.py", "sleep=0.2", "out=whole", "exit=2"), ready=False)
        done = spy.run("dump", "-p", target.pid, status=None)
        assert done.returncode in (0, 1)
        if done.returncode:
            assert done.stderr.startswith(b"pyspyc: ") and done.stderr.count(b"\n") == 1
        assert target.rest() == ["whole"] and target.finish() == 2


@static
@pytest.mark.case("launch: not found")
def test_not_found(spy, folder):
    done = spy.run("record", "-o", folder / "a.svg", "--", "no-such-program-here", status=1)
    assert done.stderr.startswith(b"pyspyc: ") and b"no-such-program-here" in done.stderr
    done = spy.run("record", "-o", folder / "a.svg", "--", "sh", "-c", "exit 5", status=None)
    assert done.returncode != 0 and b"pyspyc: " in done.stderr
    assert os.listdir(folder) == []


@root
@static
@pytest.mark.case("launch: sudo's user")
def test_sudo(spy, command, folder):
    """Under sudo the program is run by the user who called it, who also gets the file."""
    folder.chmod(0o777)
    output = folder / "own.folded"
    done = spy.run("record", "-o", output, "-r", 200, "--", *command("ends.py", "user", "spin=0.3"),
                   env=environment(SUDO_UID=str(NOBODY), SUDO_GID=str(NOBODY), SUDO_USER="nobody"))
    words = done.stdout.decode().split()
    assert words[:4] == ["user", str(NOBODY), str(NOBODY), "/nonexistent"]
    assert "[0" not in done.stdout.decode() and " 0" not in done.stdout.decode()
    status = output.stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)
    assert stat.S_IMODE(status.st_mode) & 0o400
    assert Folded(output.read_text(encoding="utf-8")).having("spin") > 20


@root
@static
@pytest.mark.case("launch: unprivileged")
def test_unprivileged(spy, command, folder, tmp_path_factory):
    """No privilege is needed to launch, nor to look at one's own program's children."""
    folder.chmod(0o777)
    output = folder / "own.folded"
    prefix = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
              "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    done = spy.run("record", "-o", output, "-r", 200, "--", *command("ends.py", "user", "spin=0.3"),
                   prefix=prefix)
    assert done.stdout.decode().startswith("user %d %d" % (NOBODY, NOBODY))
    assert Folded(output.read_text(encoding="utf-8")).having("spin") > 20


@root
@static
@pytest.mark.case("attach: not permitted")
def test_not_permitted(spy, launch, folder):
    """One line that says what is missing, for a user who may not."""
    folder.chmod(0o777)
    target = launch("spin.py")
    for words in (["dump"], ["record", "-o", folder / "a.svg", "-d", 1]):
        done = spy.run(*words, "-p", target.pid, status=1,
                       prefix=["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY,
                               "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"])
        error = done.stderr.decode()
        assert error.startswith("pyspyc: ") and error.count("\n") == 1, error
        assert str(target.pid) in error and ("root" in error or "CAP_SYS_PTRACE" in error), error
    assert system.state(target.pid) in "RS"


@few
@pytest.mark.case("launch: descriptors and limits")
def test_inherits(spy, place, python, folder):
    """The program gets no open file of pyspyc's, and signals as they were."""
    path = place.put("inherits.py", "import os, signal, sys, time\n"
                     "end = time.time() + 0.1\nwhile time.time() < end: pass\n"
                     "found = []\nfor fd in range(3, 64):\n    try:\n        os.fstat(fd)\n"
                     "        found.append(fd)\n    except OSError:\n        pass\n"
                     "print(found)\n"
                     "print([n for n in (1, 2, 10, 12, 13, 15, 17) if signal.getsignal(n) == 1])\n"
                     "sys.stdout.flush()\n")
    done = spy.run("record", "-o", folder / "a.svg", "--", *python.command, path)
    # Python itself ignores SIGPIPE.
    assert done.stdout.decode() == "[]\n[%s]\n" % ("13" if sys.platform == "linux" else "")


IGNORED = ("HUP", "INT", "QUIT", "USR1", "PIPE", "TERM", "XFSZ")


@static
@pytest.mark.case("launch: ignored signals")
@pytest.mark.parametrize("ignored", [(), IGNORED], ids=["none", "many"])
def test_ignored_signals(spy, command, folder, start, ignored):
    """What was ignored or blocked when pyspyc started is so in the program, and nothing else."""
    words = ["sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status; exec \"$@\"", "sh",
             *command("ends.py", "spin=0.1")]
    prefix = ["sh", "-c", "trap '' %s; exec \"$@\"" % " ".join(ignored or ["WINCH"]), "sh"]

    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

    alone = start([*prefix, *words], ready=False, preexec_fn=block)
    expected = alone.process.communicate(timeout=20)[0]
    done = spy.run("record", "-o", folder / "a.svg", "--", *words, prefix=prefix, preexec_fn=block)
    assert done.stdout == expected
    mask = int(done.stdout.split(b"SigIgn:")[1].split()[0], 16)
    for name in ignored:
        assert mask >> (signal.Signals["SIG" + name] - 1) & 1, name


@static
@pytest.mark.case("output: mode")
def test_mode_is_kept(spy, launch, folder):
    """A file that is replaced keeps its mode, a new one has the usual one."""
    target = launch("spin.py")
    output = folder / "a.folded"
    modes = []
    for mode in (None, 0o600, 0o664):
        if mode:
            output.chmod(mode)
        spy.run("record", "-d", 0.05, "-o", output, "-p", target.pid, prefix=["sh", "-c",
                "umask 022; exec \"$@\"", "sh"])
        modes.append(stat.S_IMODE(output.stat().st_mode))
    assert modes == [0o644, 0o600, 0o664]


@root
@static
@pytest.mark.case("output: sudo's group")
@pytest.mark.parametrize("uid, gid, owner", [
    (NOBODY, 0, (NOBODY, 0)), ("0x11", 5, (0, 0)), (0, 5, (0, 0))])
def test_sudo_ids(spy, launch, folder, uid, gid, owner):
    """Ids are decimal; root's group is one as any other, root's sudo is none."""
    folder.chmod(0o777)
    output = folder / "own.folded"
    target = launch("spin.py")
    spy.run("record", "-d", 0.05, "-o", output, "-p", target.pid,
            env=environment(SUDO_UID=str(uid), SUDO_GID=str(gid)))
    assert (output.stat().st_uid, output.stat().st_gid) == owner
