"""The rules of CONTRIBUTING.md that a reader of the tree can check without building it."""

import re

import pytest
from conftest import ROOT, c_files, tree_files

LONGEST_FILE = 520
LONGEST_FUNCTION = 80

# Folder of src/ → (folders it may include beside itself, public headers it may include). The
# program is a client of the library: it has the public headers and nothing else.
ALL_PUBLIC = {path.name for path in (ROOT / "include/pyspyc").glob("*.h")}
FOLDERS = {
    "base": (set(), {"error.h"}),
    "target": ({"base"}, {"error.h", "process.h"}),
    "elf": ({"base", "target"}, {"error.h"}),
    "cpython": ({"base", "target", "elf"}, {"error.h"}),
    "sample": ({"base", "target", "elf", "cpython"}, {"error.h", "snapshot.h"}),
    "profile": ({"base"}, {"error.h", "live.h", "profile.h"}),
    "sink": ({"base", "profile"}, {"error.h", "maps.h", "memory.h", "profile.h"}),
    "lib": ({"base", "target", "elf", "cpython", "sample", "profile", "sink"}, ALL_PUBLIC),
    "tui": (set(), ALL_PUBLIC),
    "cli": ({"tui"}, ALL_PUBLIC),
}

# Libraries that a folder keeps to itself.
LIBRARIES = {
    r"libelf\.h|gelf\.h|elfutils/.*|dwarf\.h": {"elf"},
    r"jansson\.h": {"sink", "cli"},
    r"zlib\.h": {"elf", "sink"},
    r".*curses\.h|term\.h": {"tui"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def without_comments(text):
    """C text with comments, strings and characters blanked out; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def lines_matching(pattern, text):
    return [text.count("\n", 0, match.start()) + 1 for match in re.finditer(pattern, text)]


def test_every_folder_is_in_the_table():
    assert {path.name for path in (ROOT / "src").iterdir() if path.is_dir()} == set(FOLDERS)


def test_includes_go_leftward():
    faults = []
    for name in c_files("src"):
        folder = name.parts[1]
        folders, public = FOLDERS[folder]
        for quoted, angled in INCLUDE.findall(read(name)):
            first, _, rest = quoted.partition("/")
            if quoted and not rest:
                faults.append("%s: \"%s\" is not written from src/ on" % (name, quoted))
            elif quoted and first == "pyspyc" and rest not in public:
                faults.append("%s: the public header %s" % (name, quoted))
            elif quoted and first != "pyspyc" and first != folder and first not in folders:
                faults.append("%s: %s" % (name, quoted))
            for pattern, owners in LIBRARIES.items():
                if re.fullmatch(pattern, angled) and folder not in owners:
                    faults.append("%s: <%s>" % (name, angled))
    assert not faults, "\n".join(faults)


def test_public_headers_stand_on_their_own():
    faults = ["%s: %s" % (name, quoted) for name in c_files("include")
              for quoted, _ in INCLUDE.findall(read(name))
              if quoted and not quoted.startswith("pyspyc/")]
    assert not faults, "\n".join(faults)


def test_header_guards():
    faults = []
    for name in c_files("include", "src"):
        if name.suffix != ".h":
            continue
        wanted = re.sub(r"\W", "_", "_".join(name.parts[1:])).upper()
        if not re.search(r"^#ifndef (\w*%s)\n#define \1\n" % wanted, read(name), re.M):
            faults.append("%s: no guard …%s" % (name, wanted))
    assert not faults, "\n".join(faults)


def test_only_the_program_prints_or_exits():
    faults = []
    for name in c_files("src"):
        if name.parts[1] == "cli":
            continue
        text = without_comments(read(name))
        found = lines_matching(r"(?<![\w.>])(?:v?printf|puts|putchar|perror|exit|abort)\s*\(", text)
        found += lines_matching(r"\b(?:stdout|stderr)\b", text)
        faults += ["%s:%d" % (name, line) for line in found]
    assert not faults, "\n".join(faults)


def test_no_unbounded_string_functions():
    faults = []
    for name in c_files("src"):
        text = without_comments(read(name))
        faults += ["%s:%d" % (name, line) for line in lines_matching(
            r"(?<![\w.>])(?:strcpy|strcat|sprintf|vsprintf|gets|alloca|strtok)\s*\(", text)]
    assert not faults, "\n".join(faults)


def test_files_are_short():
    kinds = {".c", ".h", ".py", ".sh", ".js", ".css", ".md"}
    faults = []
    for name in tree_files():
        if name.parts[:2] == ("tests", "targets"):
            continue   # programs whose line numbers are what is tested
        if name.suffix in kinds or name.name == "meson.build":
            length = len(read(name).splitlines())
            if length > LONGEST_FILE:
                faults.append("%s: %d lines" % (name, length))
    assert not faults, "\n".join(faults)


def functions(text):
    """(name, first line, length) of each function body that begins and ends in column 0."""
    lines = without_comments(text).splitlines()
    start = None
    for number, line in enumerate(lines):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 6):start])
            names = re.findall(r"(\w+)\s*\(", head)
            yield names[-1] if names else "?", start + 1, number - start + 1
            start = None


def test_functions_fit_a_screen():
    faults = ["%s:%d %s: %d lines" % (name, line, function, length)
              for name in c_files("src", "tests", "examples") if name.suffix == ".c"
              for function, line, length in functions(read(name)) if length > LONGEST_FUNCTION]
    assert not faults, "\n".join(faults)


def test_function_finder_finds():
    text = "static int f(int a)\n{\n" + "\ta++;\n" * 100 + "}\n"
    assert list(functions(text)) == [("f", 2, 102)]


# Spelt in pieces, so that this file does not hold them.
FORBIDDEN = [
    "/" + "work/", "/" + r"root/\.\w", "/var/cache/" + "pyspyc", "/tmp/" + "build-",
    "pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.", "deb\\." + "debian", "node" + "source",
    "archive\\." + "ubuntu", "crates" + r"\.io", "conda" + r"\.anaconda",
    r"\bissue" + r"s? #?\d", r"\b(?:Clau" + r"de|Anthro" + r"pic|Chat" + r"GPT|Co" + r"pilot)\b",
    r"(?:generated|written) by an? " + r"(?:AI|model|assistant)\b",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_forbidden_words(pattern):
    """The project speaks of itself alone: no machine of its makers, no registry's host."""
    faults = []
    for name in tree_files():
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:4096] or name.name == "package-lock.json":
            continue
        text = data.decode(errors="replace")
        faults += ["%s:%d" % (name, line) for line in lines_matching("(?i)" + pattern, text)]
    assert not faults, "\n".join(faults)


def test_files_end_with_a_newline_and_have_no_trailing_space():
    faults = []
    for name in tree_files():
        if name.suffix not in {".c", ".h", ".py", ".sh", ".md", ".build"}:
            continue
        text = read(name)
        if text and not text.endswith("\n"):
            faults.append("%s: no newline at the end" % name)
        if name.suffix != ".md":
            faults += ["%s:%d" % (name, line) for line in lines_matching(r"[ \t]+\n", text)]
    assert not faults, "\n".join(faults)
