"""The leader of a terminal's session, as a shell is: run by kit/terminal.py, never imported.

Its standard input is the terminal. It starts a command as the job in the foreground and tells over
a socket what becomes of it, a line of JSON each: {"pid": N}, {"stopped": SIGNAL}, {"exited": STATUS}
or {"killed": SIGNAL}. A line that it reads brings a stopped job into the foreground again. It lives
until the socket is closed, so that the terminal outlives the command.

usage: session.py SOCKET COMMAND [ARGUMENT…]
"""
import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import termios

TERMINAL = 0


def foreground(group):
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.tcsetpgrp(TERMINAL, group)


def start(command):
    """A job of its own, in the foreground before it runs."""
    go, going = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(going)
        os.read(go, 1)
        for number in (signal.SIGINT, signal.SIGTTOU, signal.SIGPIPE, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            sys.stderr.write("%s: %s\n" % (command[0], error))
        os._exit(127)
    os.setpgid(pid, pid)
    foreground(pid)
    os.close(go)
    os.close(going)
    return pid


def main():
    control = int(sys.argv[1])
    fcntl.ioctl(TERMINAL, termios.TIOCSCTTY, 0)
    os.set_inheritable(control, False)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = start(sys.argv[2:])

    def tell(**what):
        os.write(control, (json.dumps(what) + "\n").encode())

    tell(pid=pid)
    ended = False
    while True:
        ready = select.select([control, wake], [], [])[0]
        if control in ready:
            if not os.read(control, 1):
                return
            foreground(pid)
            os.killpg(pid, signal.SIGCONT)
        if wake in ready:
            os.read(wake, 100)
            if ended:
                continue
            found, status = os.waitpid(pid, os.WUNTRACED | os.WNOHANG)
            if not found:
                continue
            foreground(os.getpid())
            if os.WIFSTOPPED(status):
                tell(stopped=os.WSTOPSIG(status))
                continue
            ended = True
            if os.WIFEXITED(status):
                tell(exited=os.WEXITSTATUS(status))
            else:
                tell(killed=os.WTERMSIG(status))


main()
