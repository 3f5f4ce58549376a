"""Functions, files and a thread whose names no terminal should see as they are (3.8 and later).

Four functions compute in turn, a millisecond each: one with a Chinese name, one with letters put
together from two characters, one that is very long, and one whose name and file hold the terminal's
own commands.
"""
import threading
import time

import truth

ATTACK = "\x1b[2J\x1b]0;OWNED\x07\x9b31m"


def spin(end):
    while time.time() < end:
        pass


def named(name, file):
    source = "def work(spin, end):\n    spin(end)\n"
    namespace = {}
    exec(compile(source, file, "exec"), namespace)
    work = namespace["work"]
    more = {"co_qualname": name} if hasattr(work.__code__, "co_qualname") else {}
    work.__code__ = work.__code__.replace(co_name=name, **more)
    return work


WORK = [named("计算圆周率", "/tmp/模块/数学.py"),
        named("cafe\u0301_creme\u0300", "/tmp/accents.py"),
        named("long_" * 100, "/tmp/long.py"),
        named("evil" + ATTACK + "\n\tname", "/tmp/evil" + ATTACK + ".py")]


def wait():
    threading.Event().wait()


def main():
    thread = threading.Thread(target=wait, name="线程" + ATTACK)
    thread.daemon = True
    thread.start()
    truth.tell(attack=ATTACK)
    end = time.time() + 120
    while time.time() < end:
        for work in WORK:
            work(spin, time.time() + 0.001)


main()
