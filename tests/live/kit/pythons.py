"""The interpreters that the live tests run their targets with."""
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
# Each of these is a row of the matrix; one that is not there is a visible skip.
EXPECTED = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15",
            "system", "system-debug", "3.13t", "3.13d", "3.14d", "3.15d")
# What an interpreter is asked about itself.
PROBE = """
import json, sys, sysconfig
try:
    get = sysconfig.get_config_var
    get("LIBDIR")
except ImportError:  # a debug build without its part of the library
    get = {"Py_GIL_DISABLED": "t" in getattr(sys, "abiflags", "")}.get
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable,
    "debug": hasattr(sys, "gettotalrefcount"), "free_threaded": bool(get("Py_GIL_DISABLED")),
    "include": sysconfig.get_paths()["include"],
    "libdir": get("LIBDIR"), "ldversion": get("LDVERSION") or get("VERSION"),
    "soname": get("INSTSONAME"), "prefix": sys.prefix}))
"""
CACHE = "PYSPYC_TEST_PYTHONS"


@dataclasses.dataclass(frozen=True)
class Python:
    """An interpreter: how to start it, and what it says of itself."""

    id: str
    command: tuple
    root: str  # its root directory, "" when it is ours
    facts: dict = dataclasses.field(hash=False, compare=False, default_factory=dict)

    @property
    def missing(self):
        return not self.facts

    @property
    def version(self):
        """Such as (3, 12); of a missing one as its name says."""
        if self.facts:
            return tuple(self.facts["version"][:2])
        digits = self.id.rstrip("td")
        return tuple(map(int, digits.split("."))) if digits[0].isdigit() else (3, 11)

    @property
    def full_version(self):
        return ".".join(map(str, self.facts["version"]))

    @property
    def debug(self):
        return self.facts["debug"] if self.facts else self.id.endswith(("d", "debug"))

    @property
    def free_threaded(self):
        return self.facts["free_threaded"] if self.facts else self.id.endswith("t")

    @property
    def shared(self):
        return self.facts.get("shared", False)

    @property
    def numpy(self):
        """The folder for PYTHONPATH that NumPy is in; None: it has none."""
        return self.facts.get("numpy")

    @property
    def executable(self):
        return self.facts["executable"]

    @property
    def has_qualnames(self):
        return self.version >= (3, 11)


def _listed():
    """The records of ./dev pythons."""
    tool = REPOSITORY / "dev"
    command = [str(tool), "pythons"] if tool.exists() else [
        sys.executable, str(REPOSITORY / "tools" / "dev" / "pythons.py")]
    done = subprocess.run(command + ["--json"], stdout=subprocess.PIPE, check=True, timeout=120)
    return [record for record in json.loads(done.stdout) if record["kind"] != "pypy"]


def _ask(command):
    done = subprocess.run(list(command) + ["-c", PROBE], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def discover():
    """Every interpreter, the missing ones too; the same list in every worker of a run."""
    if CACHE in os.environ:
        return [Python(i, tuple(c), r, f) for i, c, r, f in json.loads(os.environ[CACHE])]
    found = {}
    for record in _listed():
        command = tuple(record["command"])
        facts = _ask(command)
        if facts:
            facts["shared"] = not record["static"]
            facts["numpy"] = record["numpy"]
        found[record["id"]] = Python(record["id"], command, record.get("root") or "", facts)
    for identity in EXPECTED:
        found.setdefault(identity, Python(identity, (), ""))
    order = {identity: place for place, identity in enumerate(EXPECTED)}
    pythons = sorted(found.values(), key=lambda p: (order.get(p.id, len(order)), p.id))
    os.environ[CACHE] = json.dumps([(p.id, p.command, p.root, p.facts) for p in pythons])
    return pythons
