"""What profiles of the targets with a known truth must show: pure functions over stacks.

`stacks` is an iterable of (frames, count), root first; a frame has a name, a file and a line, and
`thread 12 (name)` or `process 12 "command"` as a root are frames with a name alone. Which profiler
they come from does not matter. A judge returns what it found and never asserts.
"""
import re
from collections import Counter

CHAINS, LINKS = 8, 12
SHARES = ("take_50", "take_30", "take_15", "take_5")

_CALLS = re.compile(r"# @calls (\w+)$", re.MULTILINE)
_THREAD = re.compile(r"thread (\d+) \((.*)\)", re.DOTALL)
_PROCESS = re.compile(r"process (\d+) ")
_MADE = re.compile(r"(made|leaf)_(\d+)_(\d+)")
_LINK = re.compile(r"link(\d+)_(\d+)")


def calls(text):
    """{line: what it calls} of a target's source."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _CALLS.search(line)
        if match:
            found[number] = match[1]
    return found


def shown(frames):
    return " > ".join("%s:%d" % (frame.name, frame.line) for frame in frames)


def turns(stacks, lines):
    """turns.py, lines from calls(): samples inside its functions, and those that never were."""
    known = set(lines.values())
    outer = {"plain", "nested", "alike"}
    seen, wrong = 0, Counter()
    for frames, count in stacks:
        own = [frame for frame in frames if frame.name in known | outer]
        if not own:
            continue
        seen += count
        pairs = zip(own, own[1:])
        if own[0].name not in outer or any(
                lines.get(caller.line) != callee.name for caller, callee in pairs):
            wrong[shown(frames)] += count
    return seen, wrong


def made(stacks, lines):
    """made.py, lines from calls(): samples in functions it made, and those with a wrong name."""
    seen, wrong = 0, Counter()
    for frames, count in stacks:
        begin = [index for index, frame in enumerate(frames)
                 if frame.name == "run" and frame.line in lines]
        last = begin[0] if begin else None
        inside = [frame for frame in frames if _MADE.fullmatch(frame.name)]
        if not inside and (last is None or last == len(frames) - 1):
            continue
        seen += count
        if last is None or not _made_right(frames[last:], lines):
            wrong[shown(frames)] += count
    return seen, wrong


def _made_right(frames, lines):
    """run() > made_S_N() > leaf_S_N(), each in its own file and at lines of its own."""
    frames = [frame for frame in frames if frame.name != "<GC>"]
    parts = [_MADE.fullmatch(frame.name) for frame in frames[1:]]
    if len(parts) > 2 or not all(parts):
        return False
    for part, frame, kind in zip(parts, frames[1:], ("made", "leaf")):
        first = int(part[3])
        if (part[1] != kind or part[0] + ".py" != frame.file
                or "made_" + part[2] != lines[frames[0].line]
                or part[3] != parts[0][3] or not first <= frame.line <= first + 4):
            return False
    return len(parts) < 2 or frames[1].line <= int(parts[0][3]) + 1  # where leaf() is called


def chains(stacks):
    """chains.py: samples in its walk, those that never were, and how the whole chains weigh."""
    seen, torn, weight = 0, Counter(), Counter()
    for frames, count in stacks:
        names = [frame.name for frame in frames if not _THREAD.fullmatch(frame.name)]
        links = [tuple(map(int, found.groups())) for found in map(_LINK.fullmatch, names) if found]
        if not links and "walk" not in names:
            continue  # before and after the walk
        seen += count
        numbers = {number for number, _ in links}
        if (names[:2] != ["<module>", "walk"] or len(names) != 2 + len(links) or len(numbers) > 1
                or [link for _, link in links] != list(range(len(links)))):
            torn[" > ".join(names)] += count
        elif links:
            weight[links[0][0]] += count
    return seen, torn, weight


def percent(weights):
    """{key: share in points} of a Counter."""
    total = sum(weights.values())
    return {key: 100.0 * value / total for key, value in weights.items()} if total else {}


def spread(weights, equal=None):
    """The share in points that is furthest from an equal one, or from `equal`'s of the same key."""
    found = percent({key: weights[key] for key in range(CHAINS)})
    other = percent({key: equal[key] for key in range(CHAINS)}) if equal else {}
    return max((found.get(key, 0) - other.get(key, 100.0 / CHAINS) for key in range(CHAINS)),
               key=abs)


def shares(stacks, names=SHARES):
    """Counter of the samples that have each of these functions in their stack."""
    weight = Counter({name: 0 for name in names})
    for frames, count in stacks:
        for name in {frame.name for frame in frames} & set(names):
            weight[name] += count
    return weight


def apart(found, told):
    """{key: points} by which shares that were found differ from those that were told."""
    found, told = percent(found), percent(told)
    return {key: found.get(key, 0.0) - told.get(key, 0.0) for key in {**found, **told}}


def error(share, samples):
    """One standard error, in points, of a share (0 to 1) found in so many samples."""
    return 100.0 * (share * (1 - share) / max(samples, 1)) ** 0.5


def threads(stacks):
    """{name of the thread: samples}, of a profile with threads as roots."""
    found = Counter()
    for frames, count in stacks:
        for frame in frames[:2]:
            match = _THREAD.fullmatch(frame.name)
            if match:
                found[match[2]] += count
    return found


def ids(stacks, function):
    """{thread id: samples} of those with this function."""
    found = Counter()
    for frames, count in stacks:
        root = next(filter(None, (_THREAD.fullmatch(frame.name) for frame in frames[:2])), None)
        if root and any(frame.name == function for frame in frames):
            found[int(root[1])] += count
    return found


def lost(counts, names, passes):
    """{name: samples missing} of those that were not in every pass."""
    return {name: passes - counts[name] for name in names if counts[name] < passes}


def crowd(stacks, spinning, waiting, passes):
    """crowd.py: {thread: samples missing}, and stacks in the wrong thread."""
    stacks = list(stacks)
    names = ["spin-%d" % index for index in range(spinning)]
    names += ["wait-%d" % index for index in range(waiting)]
    return lost(threads(stacks), names, passes), misplaced(stacks, {
        "spinning": "spin-", "waiting": "wait-"})


def misplaced(stacks, functions):
    """Stacks with a function in a thread whose name does not begin as it must."""
    wrong = Counter()
    for frames, count in stacks:
        root = next((match[2] for match in map(
            _THREAD.fullmatch, (frame.name for frame in frames[:2])) if match), None)
        for frame in frames:
            beginning = functions.get(frame.name)
            # A thread without a name yet has the one that the system gives it.
            if beginning and root is not None and not root.startswith(beginning) and any(
                    root.startswith(other) for other in functions.values()):
                wrong["%s: %s" % (root, shown(frames))] += count
    return wrong


def workers(stacks, pids):
    """workers.py, pids {number: pid}: Counter of samples by number, and stacks elsewhere."""
    found, wrong = Counter({number: 0 for number in pids}), Counter()
    numbers = {pid: number for number, pid in pids.items()}
    for frames, count in stacks:
        match = _PROCESS.match(frames[0].name)
        number = numbers.get(int(match[1])) if match else None
        inside = {frame.name for frame in frames if re.fullmatch(r"work_\d+", frame.name)}
        if number is not None:
            found[number] += count
        if not match or inside - {"work_%s" % number}:
            wrong[shown(frames)] += count
    return found, wrong


def covered(truth):
    """How much of a recording its line of truth accounts for; 1 is all of it, nothing twice."""
    return ((truth["reached"] * truth["seconds"] + truth["missed"])
            / (truth["rate"] * truth["seconds"]))


def of_thread(stacks, name):
    """The stacks of the thread of this name."""
    for frames, count in stacks:
        match = _THREAD.fullmatch(frames[0].name)
        if match and match[2] == name:
            yield frames, count
