"""Opens files with tracemalloc.Snapshot.load and tells what is in them: load_traces.py FILE [FILE].

Of two files, what has changed between the first and the second.
"""
import json
import sys
import tracemalloc

FILES = sys.argv[1:]
sys.argv[1:] = ["1", "none"]
from traced import describe


def compare(before, now):
    def frames(traceback):
        """The innermost first, as it was in 3.6."""
        found = list(map(list, traceback._frames))
        return found if sys.version_info < (3, 7) else found[::-1]

    def rows(key):
        return [[frames(item.traceback), item.size, item.size_diff, item.count,
                 item.count_diff]
                for item in now.compare_to(before, key)]
    return {"line": rows("lineno"), "file": rows("filename"), "traceback": rows("traceback")}


snapshots = [tracemalloc.Snapshot.load(name) for name in FILES]
print(json.dumps(compare(*snapshots) if snapshots[1:] else describe(snapshots[0])))
