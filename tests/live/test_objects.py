"""Objects of each interpreter, decoded, against what they are (tests/targets/objects.py)."""
import subprocess

import pytest
from kit import checks

pytestmark = pytest.mark.case("objects")


def test_objects(python, launch):
    target = launch("objects.py")
    target.waits()
    questions = "".join(question + "\n" for question, _ in target.facts)
    build = "t" * python.free_threaded + "d" * python.debug
    done = subprocess.run([checks.program("objects"), str(target.pid), python.full_version, build],
                          input=questions.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(target.facts) > 200
    wrong = ["%s: %s, should be %s" % (question, given[:200], right[:200])
             for (question, right), given in zip(target.facts, answers) if given != right]
    assert not wrong, "\n".join(wrong[:10]) + "\n" + done.stderr.decode()[-1000:]
    target.resume()
    assert target.finish() == 0
