#!/usr/bin/env bash
# run.sh BIN [OPTION]... - puts the programs of BIN into images, the images into the cluster that KUBECONFIG names, and runs
# the tests (options: run.py --help). Needs kubectl, helm, python3, and buildah or docker.
#
# How images get into the cluster: E2E_LOAD_IMAGE, a command that is given archives; without it, what GALLEY_CLUSTER names
# (`$GALLEY_CLUSTER load FILE...`), or `kind load` if the current context is a kind cluster.
# S3 tests: E2E_S3_ENDPOINT (as pods see it), E2E_S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
# The test without an API server: E2E_STOP_API and E2E_START_API, commands that stop it and let it go on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=$1
for program in kubectl helm python3; do
    command -v $program >/dev/null || { echo "e2e: $program is not there" >&2 && exit 1; }
done
kubectl version >/dev/null 2>&1 || { echo "e2e: kubectl reaches no cluster; set KUBECONFIG" >&2 && exit 1; }
context=$(kubectl config current-context)
export E2E_TAG=${E2E_TAG:-e2e}

load() {
    if [[ ${E2E_LOAD_IMAGE:-} ]]; then
        $E2E_LOAD_IMAGE "$@"
    elif [[ ${GALLEY_CLUSTER:-} ]]; then
        "$GALLEY_CLUSTER" load "$@" >/dev/null 2>&1
    elif [[ $context == kind-* ]]; then
        for archive in "$@"; do kind load image-archive "$archive" --name "${context#kind-}"; done
    else
        echo "e2e: say with E2E_LOAD_IMAGE how images get into the cluster '$context'" >&2
        exit 1
    fi
}

if [[ " $* " != *" --list "* && ! ${E2E_IMAGES_LOADED:-} ]]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    start=$SECONDS
    ARCHIVES=$work tools/images.sh "$bin" "$E2E_TAG"
    load "$work/galley-driver.tar" "$work/galley-executor.tar"
    echo "built and loaded images in $((SECONDS - start)) s"
fi
if (($# > 1)); then # some tests, or a list of them
    exec python3 tests/e2e/run.py "$@"
fi
failed=0
python3 tests/e2e/run.py "$bin" || failed=1
echo "=== the operator by itself (tests/e2e/operator_test.py)"
python3 tests/e2e/operator_test.py "$bin" || failed=1
exit $failed
