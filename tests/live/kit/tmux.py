"""A real shell in a real terminal multiplexer, for what job control is about."""
import os
import subprocess
import tempfile

from kit.target import environment, wait_until


class Tmux:
    """A server of its own with one window, in which an interactive sh runs."""

    def __init__(self, columns=100, lines=30):
        self.folder = tempfile.TemporaryDirectory(prefix="pyspyc-tmux-")
        self.socket = os.path.join(self.folder.name, "socket")
        self.run("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines,
                 "env PS1='ready> ' ENV= sh -i", ";", "set-option", "-g", "status", "off")
        self.pid = int(self.run("display-message", "-p", "#{pid}"))
        self.wait("ready>")

    def run(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *map(str, words)], timeout=10,
                              env=environment(TERM="xterm-256color"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8")

    def send(self, *keys):
        self.run("send-keys", *keys)

    def type(self, text):
        self.run("send-keys", "-l", text)
        self.send("Enter")

    def text(self):
        return self.run("capture-pane", "-p")

    def alternate(self):
        return self.run("display-message", "-p", "#{alternate_on}").strip() == "1"

    def wait(self, condition, what=None):
        """The first true value of condition(text), or the text with a string in it."""
        def look():
            text = self.text()
            return text if isinstance(condition, str) and condition in text else (
                not isinstance(condition, str) and condition(text))
        try:
            return wait_until(look, what or condition, 10)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.text())) from None

    def close(self):
        try:
            self.run("kill-server")
        finally:
            self.folder.cleanup()
