"""Recordings of memory, `pyspyc mem`, of targets that wait for a line before they grow."""
import os
import re
import signal

from kit import target as system
from kit.spy import ended

MEGABYTE = 1 << 20
# A row of the table of lines, memory_profiler's or one like it.
ROW = re.compile(r"^ *(?P<line>\d+) (?: +(?P<usage>[\d.]+) MiB)? +(?P<increment>-?[\d.]+) MiB +"
                 r"(?P<count>\d+)(?:   (?P<contents>.*))?$")


def begin(spy, target, output, *arguments, **popen):
    """A mem that has seen something: it writes its file when asked, and says how much that is."""
    log = spy.file(".log")
    with log.open("wb") as file:
        process = spy.start("mem", "-p", target.pid, "-o", output, *arguments, stderr=file, **popen)
    process.log = log

    def flushed():
        assert process.poll() is None, log.read_text()
        if system.catches(process.pid, signal.SIGUSR1):
            process.send_signal(signal.SIGUSR1)
        return re.search(r"with [1-9]\d* samples so far", log.read_text())

    system.wait_until(flushed, "the file is written on SIGUSR1")
    return process


def done(process):
    """Exit status and standard error of what begin() began, once it has ended."""
    status, _ = ended(process)
    text = process.log.read_text()
    process.log.unlink()
    return status, text


def step(target):
    """Lets grows.py do the next thing; returns what that was."""
    target.resume()
    return target.ready()["step"]


def recorded(spy, target, form, *options, rate=1000):
    """One run of a target: the file that mem wrote of it, what was said, what the target tells.

    What is timed goes before all others on a busy machine, where we may.
    """
    output = spy.file(".out")
    process = spy.start("mem", "-p", target.pid, "-r", rate, "-f", form, "-o", output, *options)
    system.wait_until(lambda: system.watches_memory(process.pid, target.pid),
                      "it watches %d" % target.pid)
    system.hurries(process.pid)
    system.precedes(target.pid)
    target.resume()
    facts = target.ready(60)
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert status == 0, said
    return output, said, facts


def tables(text):
    """{file name: {line: row}}, and {file name: text} of each file's table."""
    rows, texts = {}, {}
    for part in re.split(r"^Filename: ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        name = os.path.basename(name)
        texts[name] = rest
        found = map(ROW.match, rest.splitlines())
        rows[name] = {int(match["line"]): match for match in found if match}
    return rows, texts


def increments(rows):
    """Bytes by line, of a file's rows."""
    return {line: float(row["increment"]) * MEGABYTE for line, row in rows.items()}
