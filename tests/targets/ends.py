"""Does what it is told, in order, and ends: for launched programs.

usage: ends.py WORD...: spin=SECONDS, sleep=SECONDS, out=TEXT, err=TEXT, copy (standard input
to output), tty (says which streams are terminals), user (says who it is), exit=STATUS,
signal=NUMBER (to itself), raise
"""
import os
import sys
import time


def spin(seconds):
    end = time.time() + seconds
    while time.time() < end:
        sum(range(2000))


def put(stream, text):
    stream.write(text + "\n")
    stream.flush()


def act(word, value):
    if word == "spin":
        spin(float(value))
    elif word == "sleep":
        time.sleep(float(value))
    elif word == "out":
        put(sys.stdout, value)
    elif word == "err":
        put(sys.stderr, value)
    elif word == "copy":
        for line in iter(sys.stdin.readline, ""):
            put(sys.stdout, "copy " + line.rstrip("\n"))
    elif word == "tty":
        put(sys.stdout, "tty %s" % "".join(str(int(os.isatty(fd))) for fd in range(3)))
    elif word == "user":
        put(sys.stdout, "user %d %d %s %s" % (os.getuid(), os.getgid(), os.environ.get("HOME"),
                                              sorted(os.getgroups())))
    elif word == "exit":
        sys.exit(int(value))
    elif word == "signal":
        os.kill(os.getpid(), int(value))
        time.sleep(60)
    elif word == "raise":
        raise ValueError("raised on purpose")
    else:
        raise SystemExit("unknown word " + word)


def main():
    for argument in sys.argv[1:]:
        word, _, value = argument.partition("=")
        act(word, value)


if __name__ == "__main__":
    main()
