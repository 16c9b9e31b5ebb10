#!/bin/sh
# lint.sh [STEP...] - everything that reads the code without running it: a line a step, and what a
# failed step said. Steps: layers size named jumps format shell cppcheck analyzer tidy (all, unless named).
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
logs=$BUILD/lint
jobs=${JOBS:-$(nproc)}
mkdir -p "$logs"
failures=0
flags="-std=c17 -D_GNU_SOURCE -include $logs/version.h -I. -I$BUILD/gen"
sources=$(git ls-files '*.c')
product=$(git ls-files 'crypto/*.c' 'policy/*.c' 'proto/*.c' 'node/*.c')
headers=$(git ls-files '*.h')
LINES_MAX=600
echo '#define PATTO_VERSION "0"' >"$logs/version.h"

layers() { sh scripts/check-layers.sh; }
named() { sh scripts/check-named-tests.sh; }
jumps() { BUILD=$BUILD CC=${CC:-gcc} sh scripts/jumps.sh; }

# A file over the limit wants to be two. Tables of numbers (prime.inc and the like) are no files.
size() {
    # shellcheck disable=SC2086 # a list of words on purpose
    long=$(wc -l $sources $headers | awk -v max=$LINES_MAX '$2 != "total" && $1 > max')
    [ -z "$long" ] || { printf 'over %s lines:\n%s\n' "$LINES_MAX" "$long"; return 1; }
}

# shellcheck disable=SC2086
format() { clang-format --dry-run -Werror $sources $headers; }

# Sourced files have no first line that names the shell.
shell() { git ls-files '*.sh' | xargs shellcheck -x -s sh && shellcheck .ci/run; }

# readdir: POSIX lets threads read different directories. internalAstError: cppcheck 2.10 cannot
# parse a compound literal between ? and :, and then says nothing more about that file.
# shellcheck disable=SC2086
cppcheck_() {
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c11 \
        --inline-suppr --library=posix --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=unknownMacro --suppress=readdirCalled --suppress=internalAstError \
        -j "$jobs" -D_GNU_SOURCE -DPATTO_VERSION='"0"' -I. $product
}

# The analyzer runs while compiling, so the code is compiled, and thrown away.
# shellcheck disable=SC2086
analyzer() {
    echo "$product" | xargs -P "$jobs" -n 1 \
        gcc $flags -O1 -w -fanalyzer -Wno-analyzer-too-complex -Werror -S -o /dev/null
}

# Nothing of ours is excused but by a NOLINT with its reason, or in .clang-tidy. A file a run: in a
# second file clang 14's va_list check sees errors that are not there.
# shellcheck disable=SC2086,SC2016
tidy() {
    echo "$sources" | xargs -P "$jobs" -n 1 sh -c \
        'clang-tidy --quiet "$2" -- $1 2>/dev/null; :' sh "$flags" |
        tee "$logs/tidy.raw" | grep -E '(error|warning):' | sort -u
    ! grep -qE '(error|warning):' "$logs/tidy.raw"
}

step() { # name command
    began=$(date +%s)
    if "$2" >"$logs/$1.log" 2>&1; then
        verdict=ok
    else
        verdict=FAILED
        failures=$((failures + 1))
    fi
    printf '%-10s %s %ss\n' "$1" "$verdict" $(($(date +%s) - began))
    [ "$verdict" = ok ] || sed 's/^/    /' "$logs/$1.log" | head -n 100
}

# Code that includes generated headers is read with them.
for proto in proto/*.proto; do
    [ -e "$proto" ] || continue
    make --no-print-directory BUILD="$BUILD" "$BUILD/gen/${proto%.proto}.pb-c.h" >/dev/null || exit 1
done
[ $# -gt 0 ] || set -- layers size named jumps format shell cppcheck analyzer tidy
for name in "$@"; do
    case $name in
    cppcheck) step cppcheck cppcheck_ ;;
    layers | size | named | jumps | format | shell | analyzer | tidy) step "$name" "$name" ;;
    *) echo "lint.sh: no step is called $name" >&2; exit 2 ;;
    esac
done
[ "$failures" -eq 0 ]
