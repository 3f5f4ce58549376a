"""A recording as it goes on (pyspyc/live.h): what threads do, use and wait for, and its controls."""
import contextlib
import json
import os
import select
import signal
import subprocess
import time

import cli_support as cli
import pytest
from conftest import FAMILIES, FEW
from kit import target as system

CLIENT = cli.BUILD / "tests" / "unit" / "watch_live"
MEGABYTE = 1 << 20
families = pytest.mark.pythons(only=FAMILIES)
few = pytest.mark.pythons(only=FEW)
modern = pytest.mark.pythons(only=("3.13",))
LOCKED = pytest.mark.pythons(
    where=lambda python: python.id in FAMILIES and not python.free_threaded)


class Watch:
    """watch_live at work."""

    def __init__(self, *arguments):
        if not CLIENT.exists():
            pytest.fail("no program at %s: build it (./dev build)" % CLIENT)
        self.process = subprocess.Popen([CLIENT, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)

    def ask(self, command, seconds=20):
        self.process.stdin.write(command.encode() + b"\n")
        return self.answer(seconds)

    def answer(self, seconds=20):
        assert select.select([self.process.stdout], [], [], seconds)[0], "no answer"
        return json.loads(self.process.stdout.readline())

    def update(self, after=0.0):
        """The window from now on, which is to last so many seconds."""
        if after:
            self.ask("update")
            time.sleep(after)
        update = self.ask("update")
        assert "error" not in update, update
        update["by_name"] = {thread["name"]: thread for thread in update["threads"]}
        return update

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
        self.process.stdin = None
        try:
            self.process.communicate(timeout=10)  # its last words may not fit into the pipe
            assert self.process.returncode == 0
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def watch():
    with contextlib.ExitStack() as stack:
        def begin(*arguments):
            started = Watch(*arguments)
            stack.callback(started.stop)
            started.ask("update")
            return started
        yield begin


@pytest.mark.case("live: who has the GIL and who waits")
@LOCKED
@pytest.mark.flaky(reruns=2)
def test_gil_is_shared(launch, watch):
    """Half and half. Who has it not waits, or, where CPUs are short, is on its way to look."""
    target = launch("gil.py")
    system.precedes(target.pid)
    system.computes(target.pid)
    update = watch(target.pid, 250).update(after=3)
    first, second = (update["by_name"]["hold_" + name] for name in ("first", "second"))
    for thread in (first, second):
        active, gil, waits = thread["now"]
        assert abs(gil - 0.5) < 0.1 and waits <= 0.6
        assert active + waits > 0.9 and active >= gil - 0.05
        assert thread["frame"][0].split(".")[-1] == thread["name"]
        assert 0 <= thread["cpu"] <= 0.75
    assert first["now"][1] + second["now"][1] == pytest.approx(update["gil"], abs=0.03)
    assert update["gil"] > 0.9 and 0 <= update["cpu"] < 1.3
    idle = update["by_name"]["waits"]
    assert idle["doing"] == "idle" and idle["state"] == "S" and idle["now"] == [0, 0, 0]
    assert idle["cpu"] == pytest.approx(0, abs=0.01)
    pairs = {tuple(pair[:2]): pair[2] for pair in update["waits"]}
    assert set(pairs) >= {("hold_first", "hold_second"), ("hold_second", "hold_first")}
    assert pairs["hold_first", "hold_second"] <= first["now"][2] + 1e-6
    assert sum(update["counts"]) == 4 and update["counts"][1] >= 2


@pytest.mark.case("live: who has the GIL and who waits")
@pytest.mark.pythons(only=("3.8", "3.13", "system"))
@pytest.mark.flaky(reruns=2)
def test_many_wait(launch, watch):
    """Of eight that compute, most wait at any time, each for its share.

    Not in 2.7, which wakes one of them every 100 instructions: they want a CPU more than they sleep.
    """
    target = launch("crowd.py", "60", "8", "1")
    system.computes(target.pid)
    update = watch(target.pid, 100).update(after=3)
    spinners = [thread for thread in update["threads"] if thread["name"].startswith("spin")]
    assert len(spinners) == 8
    waiting = sum(thread["now"][2] for thread in spinners)
    assert waiting > 3, waiting
    assert sum(thread["now"][1] for thread in spinners) == pytest.approx(update["gil"], abs=0.05)
    assert update["by_name"]["wait-0"]["now"] == [0, 0, 0]


@pytest.mark.case("live: without a GIL")
@pytest.mark.pythons(where=lambda python: python.free_threaded and not python.debug)
def test_without_gil(launch, watch):
    target = launch("gil.py")
    system.computes(target.pid)
    update = watch(target.pid, 100).update(after=1)
    assert update["gil"] == 0 and not update["waits"]
    for name in ("hold_first", "hold_second"):
        active, gil, waits = update["by_name"][name]["now"]
        assert active > 0.9 and gil == waits == 0


@pytest.mark.case("live: memory")
@families
def test_memory(launch, watch):
    """What the process has."""
    size = 60
    target = launch("grows.py", str(size))
    live = watch(target.pid, 100)
    begun = live.update(after=1)
    target.resume()
    target.ready()
    system.wait_until(lambda: live.update()["at"] > 3e9, "three seconds have gone by")
    update = live.update()
    process = update["processes"][0]
    pages = int(system.proc(target.pid, "statm").split()[1]) * os.sysconf("SC_PAGESIZE")
    assert process["rss"] == pytest.approx(pages, abs=2 * MEGABYTE)
    grown = process["rss"] - begun["processes"][0]["rss"]
    assert grown == pytest.approx(size * MEGABYTE, abs=4 * MEGABYTE)
    assert 0 < process["uss"] <= process["pss"] <= process["rss"] + 2 * MEGABYTE
    assert process["peak"] >= process["rss"] and update["last_rss"] == process["rss"]
    assert update["rss_per_minute"] == 0  # too early to say


@pytest.mark.case("live: the process")
@families
def test_process(launch, watch, python):
    target = launch("spin.py")
    update = watch(target.pid).update(after=1)
    process = update["processes"][0]
    assert process["pid"] == target.pid and process["parent"] == int(
        system.proc(target.pid, "stat").rpartition(")")[2].split()[1])
    assert process["command"].rstrip().endswith("spin.py")
    assert process["version"].startswith(python.full_version)
    assert abs(process["started_at"] - time.time()) < 60
    assert process["sampling"] and not process["ended"] and process["threads"] == 1
    ticks = system.cpu_ticks(target.pid)
    began = time.monotonic()
    update = watch(target.pid).update(after=2)
    told = (system.cpu_ticks(target.pid) - ticks) / os.sysconf("SC_CLK_TCK")
    share = told / (time.monotonic() - began)
    assert update["processes"][0]["cpu"] == pytest.approx(share, abs=0.15)
    thread = update["threads"][0]
    assert thread["cpu"] == pytest.approx(update["cpu"], abs=0.1)
    assert thread["now"][0] > 0.9 and thread["doing"] in ("gil", "active")
    assert thread["frame"][0].split(".")[-1] in ("inner", "outer")


@pytest.mark.case("live: garbage collector")
@pytest.mark.pythons(only=("3.8", "3.13", "3.14"))
@pytest.mark.flaky(reruns=2)
def test_garbage(launch, watch):
    target = launch("collects.py", "explicit")
    live = watch(target.pid, 200)
    update = live.update(after=2)
    os.kill(target.pid, 10)
    truth = target.ready()
    share = truth["collecting"] / truth["seconds"]
    assert update["gc"] == pytest.approx(share, abs=0.15)
    assert update["by_name"]["waits"]["now"] == [0, 0, 0]


@pytest.mark.case("live: stacks")
@families
def test_stack(launch, watch):
    target = launch("sleeper.py")
    live = watch(target.pid)
    live.update(after=0.2)
    stack = live.ask("stack %d %d" % (target.pid, target.pid))
    assert [frame[0] for frame in stack] == ["doze", "main", "<module>"]
    assert [frame[2] for frame in stack] == [
        system.marked("sleeper.py", mark)[0] for mark in ("doze", "main", "module")]
    assert "error" in live.ask("stack %d 1" % target.pid)


@pytest.mark.case("live: stacks")
@modern
def test_stopped(launch, watch):
    """A sleep that is no usual one shows at the next update."""
    target = launch("gil.py")
    live = watch(target.pid)
    os.kill(target.pid, signal.SIGSTOP)
    try:
        states = [thread["state"] for thread in live.update(after=0.5)["threads"]]
    finally:
        os.kill(target.pid, signal.SIGCONT)
    assert states == ["T"] * 4
    assert "T" not in [thread["state"] for thread in live.update(after=0.5)["threads"]]


@pytest.mark.case("live: threads come and go")
@few
def test_threads_end(launch, watch):
    """What has ended stays in the list for a while, and not too much of it."""
    target = launch("mayflies.py", "60", "5")
    live = watch(target.pid, 200)
    update = live.update(after=2)
    ended = [thread for thread in update["threads"] if thread["doing"] == "ended"]
    assert 1 <= len(ended) <= 256
    assert "stays" in update["by_name"]
    again = live.update(after=1)
    assert len(again["threads"]) <= 256 + 10


@pytest.mark.case("live: several processes")
@modern
def test_subprocesses(launch, watch):
    """The given one first, each with its threads; those that have ended are told so, then go."""
    target = launch("workers.py", "6", "4", "short")
    live = watch("-s", target.pid, 100)

    def running(count):
        update = live.update()
        return sum(process["sampling"] for process in update["processes"]) == count and update

    system.wait_until(lambda: running(5), "all are followed")
    update = live.update(after=0.5)
    processes = update["processes"]
    assert processes[0]["pid"] == target.pid
    assert all(process["parent"] == target.pid for process in processes[1:])
    pids = [process["pid"] for process in processes]
    order = [thread["pid"] for thread in update["threads"]]
    assert set(order) == set(pids) and order == sorted(order, key=pids.index)
    assert update["last_rss"] == sum(process["rss"] for process in processes)
    update = system.wait_until(lambda: running(3), "half of them have ended")
    assert [process["ended"] for process in update["processes"]].count(True) == 2
    assert {thread["pid"] for thread in update["threads"] if thread["doing"] == "ended"} == {
        process["pid"] for process in update["processes"] if process["ended"]}


@pytest.mark.case("live: rate and pause")
@modern
def test_rate(launch, watch):
    """A second is a second at every rate, and no time counts while it pauses."""
    target = launch("spin.py")
    live = watch(target.pid, 50)

    def rate(after):
        update = live.update(after=after)
        return update["rate"] + update["missed"] / (update["window"] / 1e9)

    assert rate(1) == pytest.approx(50, abs=6)
    assert live.ask("rate 400")["done"] and not live.ask("rate 0")["done"]
    assert "rate" in live.ask("rate -1")["error"]
    assert rate(1) == pytest.approx(400, rel=0.1)
    live.ask("rate 20")
    assert rate(1) == pytest.approx(20, abs=4)
    update = live.update()
    active = update["threads"][0]["seconds"][0]
    assert active == pytest.approx(update["at"] / 1e9, rel=0.1)


@pytest.mark.case("live: rate and pause")
@modern
def test_pause(launch, watch):
    target = launch("spin.py")
    live = watch(target.pid, 100)
    live.update(after=0.5)
    live.ask("pause")
    before = live.ask("stats")
    shown = live.update()
    time.sleep(1)
    after = live.ask("stats")
    assert after["elapsed"] == before["elapsed"] and after["passes"] == before["passes"]
    assert after["ticks"] - before["ticks"] >= 8
    assert live.update()["threads"][0]["now"] == shown["threads"][0]["now"]
    live.ask("go")
    time.sleep(0.5)
    last = live.ask("stats")
    assert last["missed"] - before["missed"] < 20
    assert 0.4e9 < last["elapsed"] - before["elapsed"] < 0.9e9
    assert last["passes"] > before["passes"] + 20


@pytest.mark.case("live: rate and pause")
@modern
def test_reset(launch, watch):
    target = launch("gil.py")
    live = watch(target.pid, 100)
    assert live.update(after=1)["by_name"]["hold_first"]["seconds"][0] > 0.3
    live.ask("reset")
    update = live.update()
    assert update["by_name"]["hold_first"]["seconds"][0] < 0.3
    assert all(pair[3] < 0.3 for pair in update["waits"])
    live.ask("pause")
    live.update()
    live.ask("reset")
    assert live.update()["by_name"]["hold_first"]["seconds"] == [0, 0, 0]
    live.ask("go")
    assert live.update(after=1)["by_name"]["hold_first"]["seconds"][0] > 0.3


@pytest.mark.case("live: woken by its descriptor")
@modern
@pytest.mark.flaky(reruns=2)
def test_answers_at_once(launch, watch):
    """Whatever the rate, also where there is never time to sleep, and while it pauses."""
    target = launch("sleeper.py")
    for rate in (1, 100, 100000):
        live = watch(target.pid, rate)
        for paused in ("go", "pause"):
            live.ask(paused)
            times = []
            for _ in range(20):
                begin = time.monotonic()
                live.ask("stats")
                times.append(time.monotonic() - begin)
                time.sleep(0.01)
            assert sorted(times)[10] < 0.02, (rate, paused, times)
        live.stop()


@pytest.mark.case("live: the target's end")
@few
def test_end(launch, watch):
    """The last figures stay, and it ends."""
    target = launch("spin.py")
    live = watch(target.pid, 100)
    update = live.update(after=0.5)
    rss = update["processes"][0]["rss"]
    target.process.terminate()
    last = live.answer()
    process = last["processes"][0]
    assert process["ended"] and not process["sampling"] and process["cpu"] == 0
    assert process["rss"] == pytest.approx(rss, abs=MEGABYTE)
    assert last["threads"][0]["doing"] == "ended" and last["threads"][0]["frame"]
    assert live.process.wait(10) == 0


@pytest.mark.case("live: cost")
@pytest.mark.pythons(only=("3.12",))
@pytest.mark.flaky(reruns=2)
def test_five_hundred_threads(launch, watch):
    """An update is short, for sampling waits meanwhile."""
    target = launch("crowd.py", "60", "20", "480")
    live = watch(target.pid, 100)
    took = [live.update(after=0.3)["took"] for _ in range(5)]
    assert sorted(took)[2] < 15, took
    assert len(live.update()["threads"]) == 501
