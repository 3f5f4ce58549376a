"""Where record may write, and what it leaves there."""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import cli_support as cli
import pytest
from kit.spy import parse_truth

pytestmark = pytest.mark.quick


def record(target, output, *more, **popen):
    return cli.run("record", "-f", "folded", "-i", "-d", "0.1", "-p", target.pid, "-o", output,
                   *more, **popen)


def test_replaces(tmp_path):
    """Files and links are replaced, what a link names is not touched. The mode is umask's, or
    that of the file that was there."""
    (tmp_path / "named").write_text("former")
    (tmp_path / "link.txt").symlink_to("named")
    (tmp_path / "old.txt").write_text("former")
    (tmp_path / "old.txt").chmod(0o600)
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    with cli.python() as target:
        for name in ("link.txt", "old.txt", "dangling.txt"):
            result = record(target, name, cwd=tmp_path,
                            prefix=["sh", "-c", 'umask 027; exec "$@"', "-"])
            assert result.status == 0, result
            assert not (tmp_path / name).is_symlink()
            assert " (" in (tmp_path / name).read_text()
            mode = 0o600 if name == "old.txt" else 0o640
            assert (tmp_path / name).stat().st_mode & 0o777 == mode
    assert (tmp_path / "named").read_text() == "former"
    assert sorted(os.listdir(tmp_path)) == ["dangling.txt", "link.txt", "named", "old.txt"]


NO_TMPFILE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#define OPENAT(name) int name(int dir, const char *path, int flags, ...) \\
{ \\
	va_list args; \\
	va_start(args, flags); \\
	if ((flags & O_TMPFILE) == O_TMPFILE) { errno = EOPNOTSUPP; return -1; } \\
	return ((int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name))( \\
		dir, path, flags, va_arg(args, mode_t)); \\
}
OPENAT(openat)
OPENAT(openat64)
int fsync(int fd)
{
	while (getenv("HANG")) pause();
	return fd < 0;
}
"""


def test_without_nameless_files(tmp_path):
    """File systems that have no O_TMPFILE: a named file instead, which a second signal removes."""
    shim = tmp_path / "shim.so"
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    if b"__asan_init" in pathlib.Path(cli.PYSPYC).read_bytes():
        pytest.skip("the sanitizer wants to be loaded first")
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", shim], check=True,
                   input=NO_TMPFILE.encode())
    work = tmp_path / "work"
    work.mkdir()
    with cli.python() as target:
        result = record(target, "a.txt", cwd=work, env=cli.environment(LD_PRELOAD=str(shim)))
        assert result.status == 0 and " (" in (work / "a.txt").read_text()
        assert os.listdir(work) == ["a.txt"]
        result = record(target, "b.txt", cwd=work, prefix=["prlimit", "--fsize=10"],
                        env=cli.environment(LD_PRELOAD=str(shim)))
        cli.assert_refused(result, 1, "b.txt")
        assert os.listdir(work) == ["a.txt"]
        process = cli.start("record", "-i", "-o", "a.txt", "-p", target.pid, cwd=work,
                            env=cli.environment(LD_PRELOAD=str(shim), HANG="1"))
        cli.interrupt(process)
        cli.wait_until(lambda: len(os.listdir(work)) == 2, "it hangs with its file half done")
        process.send_signal(signal.SIGTERM)
        assert cli.finish(process).status == -signal.SIGTERM
        assert os.listdir(work) == ["a.txt"]


def test_devices_and_pipes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with cli.python() as target:
        assert record(target, "/dev/null").status == 0
        assert pathlib.Path("/dev/null").is_char_device()
        result = record(target, "-")
        assert result.status == 0 and result.out.endswith("\n") and " (" in result.out
        result = record(target, "/dev/stdout", stdout=open(tmp_path / "out", "wb"))
        assert result.status == 0 and (tmp_path / "out").stat().st_size > 0
        assert os.path.islink("/dev/stdout")
        process = cli.start("record", "-f", "folded", "-i", "-d", "0.1", "-p", target.pid, "-o",
                            tmp_path / "pipe")
        assert " (" in (tmp_path / "pipe").read_text()
        assert cli.finish(process).status == 0
        assert (tmp_path / "pipe").is_fifo()


def test_time_to_write():
    """How long the recording took is not how long it took to write its file."""
    with cli.python() as target:
        process = cli.start("record", "-f", "flamegraph", "-i", "-d", "0.2", "-p", target.pid, "-o",
                            "-")
        try:
            small = fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
            cli.wait_until(lambda: cli.unread(process.stdout) == small, "the pipe is full")
            time.sleep(0.6)  # so long nobody takes what it writes
        finally:
            result = cli.finish(process)
    assert result.status == 0, result
    assert 0.2 <= parse_truth(result.error)["seconds"] < 0.6, result.error


def test_default_name(tmp_path):
    script = tmp_path / "my app.py"
    script.write_text(cli.SLEEPER)
    process = subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        result = cli.run("record", "-d", "0.1", "-p", process.pid, cwd=tmp_path)
    finally:
        process.kill()
        process.communicate()
    assert result.status == 0, result
    script.unlink()
    name, = os.listdir(tmp_path)
    assert name.startswith("my_app-%d-" % process.pid) and name.endswith(".svg")
    assert "wrote " + name in result.error


def test_summary(tmp_path):
    """Two lines at the end: the truth, and the file."""
    with cli.python() as target:
        result = record(target, "a.txt", cwd=tmp_path)
    assert len(result.lines) == 2 and all(line.startswith("pyspyc: ") for line in result.lines)
    for word in ("samples", "reached", "missed", "retried", "stopped", "dropped", "unreadable",
                 "truncated", "own CPU"):
        assert word in result.lines[0]
    assert result.lines[1].startswith("pyspyc: wrote a.txt (")
