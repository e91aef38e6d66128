#!/usr/bin/env bash
# images.sh BIN [TAG] - galley-driver:TAG and galley-executor:TAG (dev) of the programs in BIN, which were compiled on a
# Debian 12, in seconds. `make images` compiles in the image instead. Builds with buildah if it is there, else with docker.
# With ARCHIVES=FOLDER, what was built is also written to FOLDER/galley-driver.tar and galley-executor.tar.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$1
tag=${2:-dev}
if command -v buildah >/dev/null; then
    builder=(buildah build --isolation chroot --pull-never -q)
else
    builder=(docker build -q)
fi
declare -A most_kb=([driver]=60000 [executor]=40000)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for kind in driver executor; do
    mkdir -p "$work/$kind"
    tools/image_root.sh $kind "$bin" "$work/$kind/root"
    # The stage `runtime` has user, entry point and the like; it copies nothing, so its context may be empty.
    mkdir -p "$work/empty"
    "${builder[@]}" -t "galley-$kind-runtime:$tag" --target runtime -f "Dockerfile.$kind" "$work/empty" >/dev/null
    printf 'FROM galley-%s-runtime:%s\nCOPY root/ /\n' $kind "$tag" >"$work/$kind/Dockerfile"
    "${builder[@]}" -t "galley-$kind:$tag" -f "$work/$kind/Dockerfile" "$work/$kind" >/dev/null
    size=$(du -s --block-size=1000 --apparent-size "$work/$kind/root" | cut -f 1)
    echo "galley-$kind:$tag: $size kB beyond the base layer, at most ${most_kb[$kind]} are allowed"
    ((size <= most_kb[$kind])) || exit 1
    if [[ ${ARCHIVES:-} ]]; then
        mkdir -p "$ARCHIVES"
        rm -f "$ARCHIVES/galley-$kind.tar"
        if [[ ${builder[0]} == buildah ]]; then
            buildah push -q "galley-$kind:$tag" "docker-archive:$ARCHIVES/galley-$kind.tar:galley-$kind:$tag"
        else
            docker save -o "$ARCHIVES/galley-$kind.tar" "galley-$kind:$tag"
        fi
    fi
done
