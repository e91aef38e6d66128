#!/bin/sh
# python_env.sh DIR - a virtual environment with what the compatibility tests and benchmarks use.
set -eu
dir=$1
wanted="pyarrow==26.0.1 duckdb==2.0.0 tpchgen-cli==4.0.0 numpy==2.4.6 pandas==3.1.1 pyspark==4.0.1"
[ -f "$dir/.ready" ] && [ "$(cat "$dir/.ready")" = "$wanted" ] && exit 0
python3 -m venv "$dir"
# shellcheck disable=SC2086
"$dir/bin/pip" install --quiet --disable-pip-version-check $wanted
echo "$wanted" >"$dir/.ready"
