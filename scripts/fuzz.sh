#!/bin/sh
# fuzz.sh SECONDS [TARGET...] - build each tests/fuzz/fuzz_*.c with libFuzzer, ASan and UBSan, and
# run it that long from its saved corpus, as many at once as there are cores (JOBS=n: n), a line each.
# What it finds anew stays under $BUILD/found/TARGET; a crash is kept as $BUILD/crash-TARGET-*: copy it
# to tests/fuzz/corpus/TARGET with the fix.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build/fuzz}
export BUILD

run_one() { # seconds source
    target=$(basename "$2" .c)
    log=$BUILD/$target.log
    mkdir -p "$BUILD/found/$target"
    verdict=ok
    "$BUILD/$target" -max_total_time="$1" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$BUILD/crash-$target-" "$BUILD/found/$target" \
        "tests/fuzz/corpus/$target" >"$log" 2>&1 || verdict=FAILED
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    branches=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-24s %s: %s s, %s runs, %s edges\n' "$target" "$verdict" "$1" "${runs:-?}" "${branches:-?}"
    [ "$verdict" = ok ] && return
    tail -n 40 "$log" >&2
    return 1
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    exit
fi
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift
mkdir -p "$BUILD"
[ $# -gt 0 ] || set -- tests/fuzz/fuzz_*.c
jobs=${JOBS:-$(nproc)}
# libfyaml 0.7.12 loses 512 bytes on some malformed documents. Ours, or any other leak, still fails.
echo 'leak:libfyaml' >"$BUILD/leaks.supp"
export LSAN_OPTIONS="suppressions=$BUILD/leaks.supp:print_suppressions=0"
# Instrumented throughout, so that coverage guides it into the library; `fuzzer-no-link` adds no
# main(), the links below do.
objects=
for source in "$@"; do
    objects="$objects $BUILD/tests/fuzz/$(basename "$source" .c).o"
done
# shellcheck disable=SC2086 # a list of words on purpose
make --no-print-directory -j "$jobs" BUILD="$BUILD" CC=clang SAN=address,undefined \
    CFLAGS=-fsanitize=fuzzer-no-link "$BUILD/libpatto.a" $objects
libraries=$(make -s --no-print-directory BUILD="$BUILD" print-libs)
for source in "$@"; do
    target=$(basename "$source" .c)
    # shellcheck disable=SC2086
    clang -fsanitize=fuzzer,address,undefined -o "$BUILD/$target" \
        "$BUILD/tests/fuzz/$target.o" "$BUILD/libpatto.a" $libraries
done
# xargs fails when one of them does.
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh scripts/fuzz.sh --one "$seconds"
