"""--help, the man pages and the completions show the same options, each with its letter."""
import fcntl
import json
import os
import re
import shutil
import subprocess

import cli_support as cli
import pytest
from kit.schema import check, load

pytestmark = pytest.mark.quick

MAN = cli.BUILD / "man"
COMPLETIONS = cli.BUILD / "completions"


@pytest.fixture(autouse=True, scope="session")
def built():
    """`./dev build` makes the program only; one of several workers makes what is missing."""
    files = [*(MAN / ("pyspyc%s.1" % name) for name in (
                 "", "-record", "-top", "-mem", "-tracemalloc", "-maps", "-dump", "-gc", "-help")),
             *(COMPLETIONS / name for name in ("pyspyc", "_pyspyc", "pyspyc.fish"))]
    if not (cli.BUILD / "build.ninja").exists():
        return
    with open(cli.BUILD / ".docs-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = os.path.getmtime(cli.PYSPYC)
        if any(not file.exists() or file.stat().st_mtime < made for file in files):
            subprocess.run(["ninja", "-C", cli.BUILD, "docs"], check=True, capture_output=True)
            for file in files:
                os.utime(file)


def generated(path):
    if not path.exists():
        pytest.fail("%s was not built: ninja -C %s docs" % (path, cli.BUILD))
    return path.read_text()


def needs(program):
    if not shutil.which(program):
        pytest.skip("no %s here" % program)


def help_of(command=None):
    return cli.run(*([command] if command else []), "--help").out


def commands():
    listed = help_of().split("Commands")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+)", listed, re.MULTILINE)


def in_help(command=None):
    """{option: its letter or ""} as --help lists them."""
    return {name: letter or "" for letter, name in re.findall(
        r"^  (?:-(\w),|   ) --([\w-]+)", help_of(command), re.MULTILINE)}


def page(command=None):
    return MAN / ("pyspyc%s.1" % ("-" + command if command else ""))


OWNERS = [None, *commands()] if os.access(cli.PYSPYC, os.X_OK) else [None]
owners = pytest.mark.parametrize("command", OWNERS, ids=str)


@owners
def test_man_pages(command):
    """One page for each command and one for the program, with the same options."""
    found = {name.replace("\\-", "-").lstrip("-"): letter for letter, name in re.findall(
        r"^\.It (?:Fl (\w) , )?Fl (\S+)", generated(page(command)), re.MULTILINE)}
    assert found == in_help(command) and "help" in found


@owners
def test_man_pages_are_sound(command):
    needs("mandoc")
    checked = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page(command)],
                             capture_output=True, text=True, check=False)
    lines = [line for line in (checked.stdout + checked.stderr).splitlines()
             if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
    assert not lines


def test_formats():
    """Every format that is refused by name is in the help, the page and the completions."""
    names = re.findall(r"\w+", cli.run("record", "-p", "1", "-f", "none").error.split("choose")[1]
                       .split("(")[0].replace(" or ", " "))
    assert "flamegraph" in names and len(names) >= 3
    for name in names:
        assert re.search(r"^  %s " % name, help_of("record"), re.MULTILINE)
        assert ".It Cm " + name in generated(page("record"))
    joined = " ".join(names)
    assert joined in generated(COMPLETIONS / "pyspyc")
    assert joined in generated(COMPLETIONS / "_pyspyc")
    assert joined in generated(COMPLETIONS / "pyspyc.fish")


def bash(*words):
    """What bash offers for the last of words."""
    needs("bash")
    script = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; '
              'COMP_POINT=${#COMP_LINE}; _pyspyc; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-c", script, COMPLETIONS / "pyspyc", *words],
                          capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.split()


@owners
def test_bash_options(command):
    words = ["pyspyc"] + ([command] if command else [])
    expected = {"--" + name for name in in_help(command)}
    expected |= {"-" + letter for letter in in_help(command).values() if letter}
    assert set(bash(*words, "-")) == expected


def test_bash():
    generated(COMPLETIONS / "pyspyc")
    assert bash("pyspyc", "") == commands()
    assert bash("pyspyc", "rec") == ["record"]
    assert bash("pyspyc", "help", "d") == ["dump"]
    assert bash("pyspyc", "r", "--mode", "") == ["wall", "cpu", "gil"]
    assert bash("pyspyc", "r", "--mode", "=", "c") == ["cpu"]
    assert bash("pyspyc", "record", "-r", "") == []
    assert str(os.getpid()) in bash("pyspyc", "dump", "")
    assert str(os.getpid()) in bash("pyspyc", "record", "-s", "--pid", "")
    assert "bash" in bash("pyspyc", "record", "-s", "bas")
    assert "bash" in bash("pyspyc", "record", "-o", "x.svg", "--", "bas")
    assert "--json" not in bash("pyspyc", "record", "python3", "--")
    assert bash("pyspyc", "nonsense", "") == []


def fish(line):
    """{offered word: its description} for a command line."""
    needs("fish")
    done = subprocess.run(
        ["fish", "-c", "set -p PATH $argv[2]; source $argv[1]; complete -C $argv[3]",
         COMPLETIONS / "pyspyc.fish", os.path.dirname(cli.PYSPYC), line],
        capture_output=True, text=True, check=False,
        env=cli.environment(XDG_CONFIG_HOME="/nonexistent", XDG_DATA_HOME="/nonexistent"))
    return dict((word + "\t").split("\t")[:2] for word in done.stdout.splitlines())


@owners
def test_fish_options(command):
    generated(COMPLETIONS / "pyspyc.fish")
    prefix = "pyspyc " + (command + " " if command else "")
    offered = set(fish(prefix + "--")) | {word[:2] for word in fish(prefix + "-")}
    expected = {"--" + name for name in in_help(command)}
    expected |= {"-" + letter for letter in in_help(command).values() if letter}
    assert {word for word in offered if word != "--"} == expected


def test_fish():
    assert set(fish("pyspyc ")) == set(commands())
    assert set(fish("pyspyc r --mode ")) == {"wall", "cpu", "gil"}
    assert fish("pyspyc r --mode=c") == {"--mode=cpu": fish("pyspyc r --mode=c")["--mode=cpu"]}
    assert str(os.getpid()) in fish("pyspyc dump ")
    assert "--almost-all" in fish("pyspyc record -o x.svg ls --alm")
    assert "--almost-all" in fish("pyspyc record -- ls --alm")
    assert not fish("pyspyc record -- ls --nolin")


@owners
def test_zsh_options(command):
    """The specifications for _arguments: each option in both forms, and the file is sound."""
    needs("zsh")
    text = generated(COMPLETIONS / "_pyspyc")
    checked = subprocess.run(["zsh", "-n", COMPLETIONS / "_pyspyc"], capture_output=True,
                             check=False)
    assert checked.returncode == 0 and not checked.stderr
    part = text.split("\t%s)\n" % command)[1].split(";;")[0] if command else \
        text.split("opt_args\n")[1].split("->arguments")[0]
    found = set(re.findall(r"^\t+'(?:\*|\([^)]*\))(--[\w-]+|-\w)[=+]?\[", part, re.MULTILINE))
    expected = {"--" + name for name in in_help(command)}
    expected |= {"-" + letter for letter in in_help(command).values() if letter}
    assert found == expected


def test_dump_schema():
    """dump --json, docs/dump-schema.json and the man page's members agree."""
    schema = load("dump-schema.json")
    with cli.python() as target:
        limit = int(open("/proc/sys/kernel/pid_max").read())
        data = json.loads(cli.run("dump", "--json", target.pid, limit + 1).out)
    assert data["processes"] and data["processes"][0]["threads"][0]["frames"] and data["errors"]
    check(data, schema, schema)
    text = generated(page("dump"))
    example = json.loads(text.split(".Bd -literal -offset indent\n")[1].split(".Ed")[0])
    example["errors"] = data["errors"]
    check(example, schema, schema)
    for definition in [schema, *schema["$defs"].values()]:
        for member in definition["properties"]:
            assert re.search(r"^\.(It|Cm) (.* , )?%s\b" % member, text, re.MULTILINE), member
