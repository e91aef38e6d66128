#!/usr/bin/env bash
# run.sh BUILD SECONDS [TARGET]... - builds the libFuzzer targets with clang and runs each for SECONDS.
# Findings are kept below BUILD/findings; the corpus below BUILD/corpus grows from run to run.
set -euo pipefail
build=$1
seconds=$2
shift 2
cd "$(dirname "$0")/../.."
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DGLY_FUZZ=ON >/dev/null
targets=("$@")
if ((${#targets[@]} == 0)); then
    for source in tests/fuzz/fuzz_*.c; do
        targets+=("$(basename "$source" .c)")
    done
fi
ninja -C "$build" "${targets[@]}"
mkdir -p "$build/findings"
failed=()
for target in "${targets[@]}"; do
    mkdir -p "$build/corpus/$target"
    echo "=== $target for $seconds s"
    "$build/fuzz/$target" "$build/corpus/$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=3000 \
        -artifact_prefix="$build/findings/$target-" -print_final_stats=1 2>&1 | tail -n 12 || failed+=("$target")
done
if ((${#failed[@]} > 0)); then
    printf 'found something: %s\n' "${failed[@]}"
    exit 1
fi
echo "No findings."
