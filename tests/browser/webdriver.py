"""Chromium through its driver, with the standard library alone: the W3C WebDriver protocol."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1",
]
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Control": "\ue009",
        "Home": "\ue011", "End": "\ue010", "ArrowUp": "\ue013", "ArrowDown": "\ue015", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}


class DriverError(Exception):
    pass


class Browser:
    """One headless Chromium with a profile of its own. preferences: Chromium's, by name."""

    def __init__(self, size=(1280, 800), arguments=(), preferences=None):
        self.folder = tempfile.TemporaryDirectory(prefix="pyspyc-chromium-")
        port_file = pathlib.Path(self.folder.name, "driver.log")
        self.log = open(port_file, "w+", encoding="utf-8")
        self.driver = subprocess.Popen([shutil.which("chromedriver"), "--port=0"],
                                       stdout=self.log, stderr=subprocess.STDOUT)
        self.session = None
        try:
            self.base = f"http://127.0.0.1:{self._port(port_file)}"
            options = {
                "binary": shutil.which("chromium"),
                "args": [*ARGUMENTS, f"--user-data-dir={self.folder.name}/data",
                         f"--window-size={size[0]},{size[1]}", *arguments],
                "prefs": preferences or {},
            }
            capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                            "unhandledPromptBehavior": "ignore",
                            "goog:loggingPrefs": {"browser": "ALL"}}
            answer = self._call("POST", "/session",
                                {"capabilities": {"alwaysMatch": capabilities}})
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def _port(self, log):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.driver.poll() is None:
            for word in log.read_text(encoding="utf-8").split("on port ")[1:]:
                digits = word.split(".")[0].strip()
                if digits.isdigit() and int(digits):
                    return int(digits)
            time.sleep(0.02)
        raise DriverError("chromedriver did not start: " + log.read_text(encoding="utf-8"))

    def _call(self, method, path, body=None):
        if self.session:
            path = f"/session/{self.session}{path}"
        request = urllib.request.Request(
            self.base + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise DriverError(f"{value['error']}: {value['message']}") from None

    def close(self):
        if self.session:
            try:
                self._call("DELETE", "")
            except (DriverError, OSError):
                pass
        self.driver.terminate()
        self.driver.wait()
        self.log.close()
        for _ in range(50):
            try:
                self.folder.cleanup()
                return
            except OSError:  # Chromium is still writing
                time.sleep(0.1)

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def reload(self):
        self._call("POST", "/refresh", {})

    def back(self):
        self._call("POST", "/back", {})

    @property
    def url(self):
        return self._call("GET", "/url")

    def run(self, script, *arguments):
        """What the script (a function's body) returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments, seconds=10):
        """Waits until the script returns something true, and returns that."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.run(script, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise DriverError(f"still false after {seconds} s: {script}")
            time.sleep(0.02)

    def element(self, script, *arguments):
        return self.run(script, *arguments)[ELEMENT]

    def click(self, script, *arguments):
        """A real click on the element that the script returns."""
        self._call("POST", f"/element/{self.element(script, *arguments)}/click", {})

    def hover(self, script, *arguments):
        origin = {ELEMENT: self.element(script, *arguments)}
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin}
        self._call("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
             "actions": [move]}]})

    def pointer(self, *steps, kind="mouse"):
        """Moves to (x, y) of the window, one after another; "down" and "up" in between."""
        actions = [{"type": "pointer" + step.capitalize(), "button": 0} if isinstance(step, str) else
                   {"type": "pointerMove", "duration": 0, "x": round(step[0]), "y": round(step[1])}
                   for step in steps]
        self._call("POST", "/actions", {"actions": [
            {"type": "pointer", "id": kind, "parameters": {"pointerType": kind},
             "actions": actions}]})

    def press(self, *keys):
        """Presses keys one after another; "Control+f" holds the first."""
        actions = []
        for key in keys:
            codes = [KEYS.get(part, part) for part in (key.split("+") if len(key) > 1 else [key])]
            actions += [{"type": "keyDown", "value": code} for code in codes]
            actions += [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self._call("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def write(self, text):
        self.press(*text)

    def alert(self):
        """The text of an open alert, or None."""
        try:
            return self._call("GET", "/alert/text")
        except DriverError:
            return None

    def errors(self):
        """Messages in the console of level SEVERE since the last call."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def devtools(self, command, **parameters):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def worked(self):
        """Seconds of CPU that the page has taken, on its main thread: as long as it would take alone."""
        self.devtools("Performance.enable", timeDomain="threadTicks")
        metrics = self.devtools("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in metrics}["TaskDuration"]

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        """Emulates media features: media(prefers_color_scheme="dark")."""
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def screenshot(self, path=None):
        """The picture as PNG bytes, also written to path."""
        data = base64.b64decode(self._call("GET", "/screenshot"))
        if path:
            pathlib.Path(path).write_bytes(data)
        return data


def missing():
    """What of Chromium is not there, or None."""
    for name in ("chromium", "chromedriver"):
        if not shutil.which(name):
            return f"{name} is not installed"
    return None


def made_by(program):
    """The path of a program of tests/unit, such as writes made-up profiles."""
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(os.environ.get("PYSPYC_BUILD") or root / "build")
    path = build / "tests" / "unit" / program
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built: run ./dev build")
    return path


def program():
    """The path of pyspyc itself."""
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(os.environ.get("PYSPYC") or root / "build" / "pyspyc")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built: run ./dev build")
    return path
