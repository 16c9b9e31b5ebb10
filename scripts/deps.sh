#!/bin/sh
# deps.sh - install what building and testing need and this machine lacks. Debian 12; root or sudo.
# Prints nothing and asks no registry when nothing is missing.
set -eu
packages="gcc gdb clang make pkg-config libsodium-dev libssl-dev libgrpc-dev libprotobuf-c-dev
protobuf-c-compiler protobuf-compiler libfyaml-dev libsqlite3-dev sqlite3 libjansson-dev libcsv-dev libseccomp-dev
libutf8proc-dev libcmocka-dev minisign valgrind clang-format clang-tidy clang-tools cppcheck
libclang-rt-14-dev shellcheck jq openssl chromium fonts-dejavu-core"
missing=
for package in $packages; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
# tests/e2e speaks gRPC as an outside client would: any node of 18 or later will do.
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
# tests/tlog is a second implementation in its standard library; any Python of 3.8 or later.
command -v python3 >/dev/null 2>&1 || missing="$missing python3"
[ -n "$missing" ] || exit 0
echo "installing:$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "deps.sh: run as root, or install sudo: missing packages:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words on purpose
if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
           $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "deps.sh: apt-get failed; is this Debian 12 with network access to its mirror?" >&2
    exit 1
fi
