"""Allocates on known lines under tracemalloc, and tells what tracemalloc itself says of it.

traced.py FRAMES MODE: MODE "stops" stops itself (SIGSTOP) at a moment of which it tells the truth
when it goes on; "twice" stops itself, changes what it has, and stops again; "steps" waits for a
line, allocates, tells the truth, and again; "idle" waits without tracemalloc; "stopped" has used
it; "busy" allocates and frees all the time in two threads; "many" has COUNT blocks, "crowded" too
and is busy; "toggles" starts and stops tracemalloc all the time, "clears" clears its traces;
"interpreters" allocates in a subinterpreter.
"""
import json
import os
import signal
import sys
import threading
import tracemalloc

MODE = sys.argv[2]
KEPT = []


def blocks(count, size):
    return [bytearray(size) for _ in range(count)]  # @blocks


BLOCKS = blocks.__code__.co_firstlineno + 1


def deep(depth):
    if depth:
        return deep(depth - 1)  # @deep
    return blocks(7, 12345)


def odd_names():
    """Code whose files have names that nobody should have."""
    for name in (u"/odd/esc\x1b[31m.py", u"/odd/new\nline.py", u"/odd/\u2603\U0001f600.py",
                 u"/odd/" + u"long" * 400 + u".py"):
        scope = {}
        exec(compile("def make(): return [bytes(bytearray(4321)) for _ in range(3)]\n", name,
                     "exec"), scope)
        KEPT.append(scope["make"]())


def other_domain():
    """Blocks that an extension traces in domains of its own; none where there is no such module."""
    try:
        from _testcapi import tracemalloc_track
    except ImportError:
        return
    for number in range(5):
        tracemalloc_track(7, 0x1000 * (number + 1), 1 << number)
    tracemalloc_track(0x7fffffff, 0x5000, 123456)


def build():
    KEPT.append(blocks(100, 1000))
    KEPT.append(deep(3))
    KEPT.append(deep(30))
    KEPT.append({str(number): number * 1000003 for number in range(5000)})  # @dict
    odd_names()
    other_domain()


DEEP = deep.__code__.co_firstlineno + 2
FILTERS = [
    [tracemalloc.Filter(True, "/odd/*")],
    [tracemalloc.Filter(True, "*traced.py", BLOCKS)],
    [tracemalloc.Filter(True, "*traced.py", BLOCKS),
     tracemalloc.Filter(False, "*traced.py", DEEP, all_frames=True)],
    [tracemalloc.DomainFilter(True, 7)],
    [tracemalloc.DomainFilter(True, 0x7fffffff)],
]


def sums(snapshot):
    return [sum(trace.size for trace in snapshot.traces), len(snapshot.traces)]


def describe(snapshot):
    """All traces: by frames, and as tracemalloc adds them up by line and by file."""
    groups = {}
    for trace in snapshot.traces._traces:
        entry = groups.setdefault(trace[2], [0, 0])
        entry[0] += trace[1]
        entry[1] += 1

    def rows(key):
        found = []
        for item in snapshot.statistics(key):
            frame = item.traceback[-1]
            found.append([frame.filename, frame.lineno, item.size, item.count])
        return found
    return {"groups": [[list(map(list, frames)), size, count]
                       for frames, (size, count) in groups.items()],
            "lines": rows("lineno"), "files": rows("filename"),
            "traces": len(snapshot.traces), "limit": snapshot.traceback_limit,
            "domains": sorted(set(trace[0] for trace in snapshot.traces._traces)),
            "filtered": [sums(snapshot.filter_traces(filters)) for filters in FILTERS],
            "totals": sorted(set(trace[3] for trace in snapshot.traces._traces
                                 if trace[3:] and trace[2][0][1] == BLOCKS))}


def tell(**facts):
    sys.stdout.write("ready %s\n" % json.dumps(facts))
    sys.stdout.flush()


def stops():
    build()
    measure, overhead = tracemalloc.get_traced_memory, tracemalloc.get_tracemalloc_memory
    kill, me = os.kill, os.getpid()
    tell()
    # The first rounds leave nothing new for the last one to allocate.
    for number in [0] * 20 + [signal.SIGSTOP]:  # @measured
        kill(me, number)  # @measured
        traced = measure()  # @measured
        used = overhead()  # @measured
    snapshot = tracemalloc.take_snapshot()  # @measured
    tracemalloc.stop()
    tell(traced=traced[0], peak=traced[1], overhead=used, **describe(snapshot))


def twice():
    build()
    tell()
    os.kill(os.getpid(), signal.SIGSTOP)
    KEPT.append(blocks(33, 2000))
    KEPT.append(deep(5))
    del KEPT[0][10:]
    KEPT[1] = None
    tell()
    os.kill(os.getpid(), signal.SIGSTOP)
    tell()


def steps():
    build()
    for _ in range(3):
        tell(waits=True)
        sys.stdin.readline()
        KEPT.append([bytearray(10000) for _ in range(50)])  # @step
        KEPT[1] = None
    snapshot = tracemalloc.take_snapshot()
    tell(**describe(snapshot))


def churn():
    kept = []
    while True:
        kept.append([bytearray(size) for size in range(1, 2000, 7)])  # @churn
        if len(kept) > 20:
            del kept[:15]


def busy():
    for _ in range(2):
        thread = threading.Thread(target=churn)
        thread.daemon = True
        thread.start()
    tell()
    threading.Event().wait()


def toggles():
    tell()
    while True:
        tracemalloc.start(1 + len(KEPT) % 5)
        build()
        tracemalloc.stop()
        del KEPT[:]


def clears():
    tell()
    while True:
        build()
        tracemalloc.clear_traces()
        del KEPT[:]


def interpreters():
    """From 3.12 on the state is one for all interpreters."""
    try:
        import _interpreters as module
        identity = module.create("legacy")
    except ImportError:
        import _xxsubinterpreters as module
        identity = module.create(isolated=False)
    code = "import sys; sys.kept = [bytearray(10007) for _ in range(50)]"
    KEPT.append(identity)  # 3.12 ends what nobody refers to
    module.run_string(identity, "exec(compile(%r, '/inside.py', 'exec'))" % code)
    snapshot = tracemalloc.take_snapshot()
    found = snapshot.filter_traces([tracemalloc.Filter(True, "/inside.py")])
    tell(inside=max((item.size, item.count) for item in found.statistics("lineno")))


def main():
    if MODE != "idle":
        tracemalloc.start(int(sys.argv[1]))
    if MODE == "stopped":
        build()
        tracemalloc.stop()
    if MODE in ("many", "crowded", "busy"):
        build()
    if MODE in ("many", "crowded"):
        KEPT.append([object() for _ in range(int(sys.argv[3]))])  # @many
    run = {"stops": stops, "twice": twice, "steps": steps, "busy": busy, "crowded": busy,
           "toggles": toggles, "clears": clears, "interpreters": interpreters}.get(MODE)
    if run:
        run()
    else:
        tell(waits=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
