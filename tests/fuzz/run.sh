#!/usr/bin/env bash
# run.sh BUILD SECONDS PYTHON [TARGET]... - builds the libFuzzer targets with clang and runs each for SECONDS, as
# many at once as there are processors.  PYTHON has pyarrow, which makes the first seeds of the Parquet targets.
# Findings are kept below BUILD/findings; the corpus below BUILD/corpus grows from run to run.
set -euo pipefail
build=$1
seconds=$2
python=$3
shift 3
cd "$(dirname "$0")/../.."
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DGLY_FUZZ=ON >/dev/null
targets=("$@")
if ((${#targets[@]} == 0)); then
    for source in tests/fuzz/fuzz_*.c; do
        targets+=("$(basename "$source" .c)")
    done
fi
ninja -C "$build" "${targets[@]}"
mkdir -p "$build/findings" "$build/logs"
if [ ! -f "$build/corpus/.seeded" ]; then
    "$python" tests/fuzz/parquet_corpus.py "$build/corpus"
    touch "$build/corpus/.seeded"
fi

run_target() {
    local build=$1 seconds=$2 target=$3
    mkdir -p "$build/corpus/$target"
    if "$build/fuzz/$target" "$build/corpus/$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=3000 \
        -artifact_prefix="$build/findings/$target-" -print_final_stats=1 >"$build/logs/$target" 2>&1; then
        echo "$target: no finding in $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$target") runs"
    else
        tail -n 30 "$build/logs/$target"
        echo "$target: FOUND SOMETHING; see $build/logs/$target"
        return 1
    fi
}
export -f run_target
echo "${#targets[@]} targets for $seconds s each: ${targets[*]}"
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I TARGET bash -c 'run_target "$@"' run "$build" "$seconds" TARGET ||
    { echo "Some targets found something."; exit 1; }
echo "No findings."
