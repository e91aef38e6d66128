#!/bin/sh
# run.sh BIN PYTHON_ENV [OPTION]... - installs what only the benchmark needs (Java, PySpark) and runs bench.py.
set -eu
bin=$1
env=$2
shift 2
command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless >/dev/null; }
"$env/bin/python" -c 'import pyspark' 2>/dev/null || "$env/bin/pip" install --quiet --disable-pip-version-check pyspark==4.0.1
exec "$env/bin/python" "$(dirname "$0")/bench.py" "$bin" "$@"
