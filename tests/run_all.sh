#!/usr/bin/env bash
# run_all.sh BUILD PYTHON_ENV - every test there is, one closing line.
set -uo pipefail
build=$1
python=$2/bin/python
cd "$(dirname "$0")/.."
failed=()

step() {
    local name=$1 start=$SECONDS
    shift
    echo "=== $name"
    "$@" || failed+=("$name")
    echo "    $name: $((SECONDS - start)) s"
}

step "tidy" python3 tests/tidy/tidy.py
step "chart" python3 tests/chart/chart_tests.py
step "unit and simulation" ctest --test-dir "$build" -j "$(nproc)" --output-on-failure
step "sql" python3 tests/sql/run_sql_tests.py "$build/bin/galley"
step "command line" python3 tests/cli/cli_tests.py "$build/bin"
step "parquet cross check" "$python" tests/compat/parquet_cross_check.py "$build/bin"
step "spark cross check" "$python" tests/compat/spark_cross_check.py "$build/bin"
step "tpch" "$python" tests/compat/tpch.py "$build/bin/galley"
step "faults" python3 tests/faults/fault_tests.py "$build/bin"
step "decommissioning" python3 tests/faults/decommission_tests.py "$build/bin"

if ((${#failed[@]} > 0)); then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "All tests passed."
