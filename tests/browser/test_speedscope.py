"""speedscope itself loads what pyspyc writes for it."""

import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest


@pytest.fixture(scope="module")
def speedscope(tmp_path_factory):
    """The folder of speedscope's built page."""
    modules = os.environ.get("PYSPYC_NODE_MODULES")
    if not modules:
        if not shutil.which("npm"):
            pytest.skip("npm is not installed, so speedscope cannot be had")
        folder = tmp_path_factory.mktemp("npm")
        shutil.copy(pathlib.Path(__file__).with_name("package.json"), folder)
        ran = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"],
                             cwd=folder, capture_output=True, text=True, check=False)
        if ran.returncode:
            pytest.skip("npm could not fetch speedscope: " + ran.stderr.strip()[-300:])
        modules = folder / "node_modules"
    page = pathlib.Path(modules, "speedscope", "dist", "release")
    assert (page / "index.html").exists()
    return page


@pytest.fixture
def serve(speedscope, tmp_path):
    """serve(path): speedscope's address with that recording."""
    site = tmp_path / "site"
    shutil.copytree(speedscope, site)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def address(path):
        shutil.copy(path, site / "recording.json")
        base = f"http://127.0.0.1:{server.server_port}"
        return f"{base}/index.html#profileURL={base}/recording.json"

    yield address
    server.shutdown()
    server.server_close()


LOADED = "return document.body.innerText.includes('Sandwich')"
FAILED = "return document.body.innerText.includes('went wrong')"


# speedscope itself fails on stacks of some thousand frames: it walks them by recursion.
@pytest.mark.parametrize("kind,count", [("web", 0), ("growth", 0), ("bytes", 0),
                                        ("both", 0), ("hostile", 0),
                                        ("deep", 2000), ("empty", 0)])
def test_speedscope_loads(browser, recording, serve, kind, count):
    path = recording(kind, "speedscope", count)
    data = json.loads(path.read_text(encoding="utf-8"))
    browser.open(serve(path))
    browser.wait(LOADED)
    text = browser.run("return document.body.innerText")
    assert data["profiles"][0]["name"] in text
    if len(data["profiles"]) > 1:
        assert f"(1/{len(data['profiles'])})" in text
    assert browser.alert() is None
    assert browser.errors() == []


def test_speedscope_refuses_what_is_wrong(browser, serve, tmp_path):
    """So that the test above can fail."""
    path = tmp_path / "bad.json"
    path.write_text('{"$schema": "https://www.speedscope.app/file-format-schema.json", "shared": 1}')
    browser.open(serve(path))
    browser.wait(FAILED)
    assert not browser.run(LOADED)


def test_schema(speedscope, recording):
    """The file has the fields, of the types, that speedscope's schema asks for."""
    schema = json.loads((speedscope / "file-format-schema.json").read_text(encoding="utf-8"))
    for kind in ("web", "growth", "bytes", "both", "hostile", "deep", "empty"):
        data = json.loads(recording(kind, "speedscope").read_text(encoding="utf-8"))
        check(schema, schema, data)


def check(root, schema, value):
    """As much of JSON schema as that file uses."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return check(root, root["definitions"][name], value)
    if "anyOf" in schema:
        problems = []
        for choice in schema["anyOf"]:
            try:
                return check(root, choice, value)
            except AssertionError as problem:
                problems.append(problem)
        raise problems[-1]
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float)}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (schema, str(value)[:100])
    if "enum" in schema:
        assert value in schema["enum"]
    for name in schema.get("required", ()):
        assert name in value, name
    for name, part in schema.get("properties", {}).items():
        if name in value:
            check(root, part, value[name])
    if schema.get("type") == "array" and "items" in schema:
        for item in value:
            check(root, schema["items"], item)
