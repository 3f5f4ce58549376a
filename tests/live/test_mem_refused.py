"""`pyspyc mem` where the kernel does not tell of page faults: in containers, for other users."""
import errno
import re
import signal

import pytest
from kit import refuse
from kit.memory import begin, done, step

MIB = 1 << 20
WHY = "growth is booked on the stacks seen between two readings of RSS"


def grown(spy, target, error):
    """Bytes by which each function of grows.py grew, and what was said, where perf events are
    refused with an error (None: are not)."""
    output = spy.file(".folded")
    process = begin(spy, target, output, "-r", 1000,
                    preexec_fn=error and refuse.perf_events(error))
    for _ in range(3):
        step(target)
    process.send_signal(signal.SIGINT)
    status, said = done(process)
    assert status == 0, said
    profile = spy.read(output)
    return {name: profile.having(name) for name in ("grow", "grow_more", "shrink")}, said


@pytest.mark.pythons(only=("3.12", "3.14"))
@pytest.mark.case("mem: no perf events")
@pytest.mark.parametrize("error", (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL),
                         ids=lambda error: errno.errorcode[error])
def test_refused(spy, launch, error):
    """It works as well, by looking at RSS; and says so, in one line."""
    found, said = grown(spy, launch("grows.py", 64), error)
    assert abs(found["grow"] - 64 * MIB) < 4 * MIB, found
    assert abs(found["grow_more"] - 32 * MIB) < 3 * MIB, found
    assert found["shrink"] < 2 * MIB, found
    assert len([line for line in said.splitlines() if WHY in line]) == 1, said
    assert "the kernel told of them" not in said
    assert not re.search("error|cannot|fail", said), said


@pytest.mark.pythons(only=("3.12", "3.14"))
@pytest.mark.case("mem: perf events")
def test_told(spy, launch):
    """Where the kernel tells, it does not say that."""
    found, said = grown(spy, launch("grows.py", 64), None)
    assert abs(found["grow"] - 64 * MIB) < 4 * MIB, found
    if WHY in said:
        pytest.skip("the kernel does not let this user have perf events")
    assert "the kernel told of them as they happened" in said
