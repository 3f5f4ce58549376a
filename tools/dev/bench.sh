# shellcheck shell=bash
# ./dev bench [--quick] [NAME…]: figures of this machine, side by side with the peers', into
# bench/RESULTS.md. py-spy and Austin come from PyPI; CPython 3.15, whose own sampler is a peer too,
# with the interpreters.
# shellcheck source=tools/dev/build.sh
. tools/dev/build.sh

dev_bench() {
	need_for build venv pythons
	if [ -z "${PYSPYC:-}" ]; then build_release; fi
	python3 tools/dev/pythons.py >/dev/null || true
	venv venv-bench bench/requirements.txt
	PYSPYC=$(readlink -f "${PYSPYC:-build/pyspyc}") PATH=$VENV/bin:$PATH \
		PYTHONPATH=$PWD/tests/live exec "$VENV/bin/python" bench/run.py "$@"
}
