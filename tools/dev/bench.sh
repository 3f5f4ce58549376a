# shellcheck shell=bash
# ./dev bench [NAME…]: figures of this machine, side by side with the peers', into bench/RESULTS.md.
# shellcheck source=tools/dev/build.sh
. tools/dev/build.sh

dev_bench() {
	need_for build venv
	build_release
	venv venv-bench bench/requirements.txt
	PYSPYC=$PWD/build/pyspyc PATH=$VENV/bin:$PATH "$VENV/bin/python" bench/run.py "$@"
}
