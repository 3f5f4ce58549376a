"""Targets in other PID and mount namespaces and under other roots, as containers have them."""
import os
import shlex
import shutil

import pytest
from conftest import FEW
from kit import truth
from kit import target as system
from kit.target import environment

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare"),
]
UNSHARE = ["unshare", "--fork", "--pid", "--mount", "--kill-child"]


def check(spy, python, target, pid):
    """Stack, names and thread ids as seen from here."""
    dump = spy.dump(pid)
    assert truth.difference(truth.stack_of(python, target.facts), dump.main) is None, (
        truth.difference(truth.stack_of(python, target.facts), dump.main))
    assert dump.version.startswith(python.full_version)
    assert sorted(thread["tid"] for thread in dump.threads) == system.tasks(pid)
    return dump


@pytest.mark.case("PID namespace")
def test_pid_namespace(spy, start, command, python):
    """Process and thread ids are the host's; names and ids belong together."""
    target = start([*UNSHARE, "--mount-proc", *command("threads.py")])
    inner = target.facts["pid"]
    pid = system.host_pid(inner, target.pid)
    assert pid != inner
    dump = spy.dump(pid)
    assert len(dump.threads) == 11
    for thread in dump.threads:
        inner_tid = int(system.proc(pid, "task/%d/status" % thread["tid"])
                        .split("NSpid:")[1].split("\n")[0].split()[-1])
        assert target.facts["threads"][thread["name"]][1] in (None, inner_tid)
        assert target.facts["threads"][thread["name"]][0] == thread["ident"]
    profile = spy.record("--idle", pid=pid, seconds=0.2)
    assert profile.having("sleeper") >= 9 * profile.certain


@pytest.mark.case("mount namespace and root")
@pytest.mark.pythons(where=lambda python: not python.root and python.missing or
                     not python.root and python.facts["prefix"] != "/usr")
def test_own_root(spy, start, python, place, folder):
    """A root where the interpreter has a path that does not exist here."""
    root = folder / "root"
    root.mkdir()
    binary = os.path.basename(python.executable)
    steps = [
        "mount --make-rprivate /",
        "mount -t tmpfs tmpfs {root}",
        "mkdir -p {root}/usr {root}/proc {root}/dev {root}/opt/elsewhere {root}/opt/targets",
        "for link in /bin /lib /lib64; do cp -a $link {root}$link 2>/dev/null; done",
        "mount --bind /usr {root}/usr",
        "mount --bind /dev {root}/dev",
        "mount --bind {prefix} {root}/opt/elsewhere",
        "mount --bind {targets} {root}/opt/targets",
        "mount -t proc proc {root}/proc",
        "exec chroot {root} /opt/elsewhere/bin/{binary} /opt/targets/stacks.py plain",
    ]
    names = {"root": shlex.quote(str(root)), "prefix": shlex.quote(python.facts["prefix"]),
             "targets": shlex.quote(str(place.host / "targets")), "binary": binary}
    target = start([*UNSHARE, "sh", "-e", "-c", "; ".join(steps).format(**names)],
                   env=environment(PYTHONHOME="/opt/elsewhere",
                                   LD_LIBRARY_PATH="/opt/elsewhere/lib"))
    assert not (root / "opt").exists() and not os.path.exists("/opt/elsewhere")
    pid = system.host_pid(target.facts["pid"], target.pid)
    dump = check(spy, python, target, pid)
    assert dump.record["executable"].startswith("/opt/elsewhere/")
    assert dump.threads[0]["frames"][2]["path"] == "/opt/targets/stacks.py"
    profile = spy.record("--idle", pid=pid, seconds=0.2)
    assert profile.having("innermost") >= 0.9 * profile.certain


@pytest.mark.case("chroot and PID namespace")
@pytest.mark.pythons(where=lambda python: bool(python.root) or python.missing)
def test_chroot(spy, start, command, python):
    target = start([*UNSHARE, *command("stacks.py", "plain")])
    check(spy, python, target, system.host_pid(target.facts["pid"], target.pid))


@pytest.mark.case("pyspyc inside a PID namespace")
@pytest.mark.pythons(only=FEW)
def test_inside(spy, command):
    """Launching as a container's first process, with its own /proc."""
    profile = spy.record(launch=command("ends.py", "spin=0.3", "exit=4"), status=4,
                         prefix=["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"])
    assert profile.seen("spin") >= 30


@pytest.mark.case("children in another namespace")
@pytest.mark.pythons(only=FEW)
def test_children(spy, start, command):
    """-s crosses into the namespace of a child."""
    target = start([*command("ends.py", "sleep=60")], ready=False)
    wrapper = start([*UNSHARE, "--mount-proc", *command("spin.py")])
    pid = system.host_pid(wrapper.facts["pid"], wrapper.pid)
    dumps = spy.dumps("-s", "-p", wrapper.pid)
    assert list(dumps) == [pid] and dumps[pid].main[-1].name == "<module>"
    profile = spy.record("-s", pid=wrapper.pid, seconds=0.4)
    assert profile.having("inner") >= 0.8 * profile.certain
    assert system.state(target.pid) in "RSD"
