"""The tree as the structure checks see it."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PYSPYC_BUILD") or ROOT / "build")


def tree_files():
    """All files that belong to the project, also those not yet added; relative paths."""
    try:
        listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
                                 capture_output=True, text=True, check=True)
        names = [pathlib.Path(name) for name in listing.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):   # a release without .git, or no git
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*")
                 if not path.relative_to(ROOT).parts[0].startswith(("build", ".git"))
                 and not {".pytest_cache", "__pycache__"} & set(path.parts)]
    return sorted(name for name in names if (ROOT / name).is_file())


def c_files(*folders):
    return [name for name in tree_files()
            if name.suffix in (".c", ".h") and name.parts[0] in folders and "corpus" not in name.parts]


@pytest.fixture(scope="session")
def build():
    if not (BUILD / "build.ninja").exists():
        pytest.skip("nothing is built in %s (./dev build)" % BUILD)
    return BUILD


@pytest.fixture(scope="session")
def installed(build, tmp_path_factory):
    """A copy as `meson install` makes it: the folder that stands for the prefix."""
    place = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild",
                           "--destdir", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pcs = list(place.rglob("pyspyc.pc"))
    assert len(pcs) == 1, "pyspyc.pc is installed once: %s" % pcs
    prefix = [line[7:] for line in pcs[0].read_text().splitlines() if line.startswith("prefix=")]
    return pathlib.Path(str(place) + prefix[0])
