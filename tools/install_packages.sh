#!/bin/sh
# install_packages.sh - installs the Debian packages that building and testing need, if any is missing.
#   build    compiler, CMake, the libraries Galley links
#   test     what only the tests use (Python; Java, for Spark)
#   check    sanitizers, fuzzing, formatting
set -eu

build="gcc g++ make cmake ninja-build pkg-config ccache libgrpc-dev libprotobuf-c-dev protobuf-c-compiler
libprotobuf-dev libcurl4-openssl-dev libcjson-dev libyaml-dev libevent-dev libssl-dev libcunit1-dev libzstd-dev liblz4-dev
libsnappy-dev libdeflate-dev libxxhash-dev libutf8proc-dev libpcre2-dev libedit-dev zlib1g-dev tzdata"
test="python3 python3-venv default-jre-headless"
check="clang-14 clang-format-14 libclang-rt-14-dev llvm-14"

wanted=""
for group in "${@:-build}"; do
    case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    check) wanted="$wanted $check" ;;
    *) echo "install_packages.sh: there is no group '$group'" >&2 && exit 2 ;;
    esac
done

missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

echo "Installing:$missing"
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
