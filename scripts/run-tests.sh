#!/bin/sh
# run-tests.sh [--e2e] PROGRAM... - run each test program, JOBS (all cores) at a time, print a line each
# and the output of those that fail; --e2e runs tests/e2e/*.sh first. UNDER is a command to run them
# under. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
logs=$BUILD/test-logs
mkdir -p "$logs"
export BUILD

# One test, in a process of its own: its line, and in NAME.count what passed and failed.
one() { # program-or-script
    name=${1#"$BUILD"/}
    file=$logs/$(echo "$name" | tr / -)
    began=$(date +%s)
    case $1 in
    *.sh) set -- sh "$1" ;;
    *_replay) set -- "$1" "tests/fuzz/corpus/$(basename "$1" _replay)" ;;
    esac
    # shellcheck disable=SC2086 # UNDER is a command with its options
    if ${UNDER:-} "$@" >"$file.log" 2>&1 </dev/null; then
        verdict=ok
    else
        verdict="FAILED (exit $?)"
    fi
    # cmocka says how many cases a program held; any other program counts as one.
    good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$file.log" | tail -n 1)
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$file.log" | tail -n 1)
    if [ "$verdict" = ok ]; then
        echo "${good:-1} 0" >"$file.count"
    else
        echo "${good:-0} ${bad:-1}" >"$file.count"
    fi
    {
        printf '%-52s %s %ss\n' "$name" "$verdict" $(($(date +%s) - began))
        [ "$verdict" = ok ] || sed 's/^/    /' "$file.log" | tail -n 60
    } >"$file.line"
    cat "$file.line" # at once: lines of two tests do not mix
}

case ${1:-} in
--one)
    one "$2"
    exit
    ;;
--e2e)
    shift
    for script in tests/e2e/*.sh; do
        case $script in */lib*.sh) continue ;; esac
        set -- "$@" "$script"
    done
    ;;
esac
rm -f "$logs"/*.count
# The long ones first, or one core waits for the other in the end.
printf '%s\n' "$@" | awk '{ print ($0 ~ /\.sh$/ ? 0 : 1) " " $0 }' | sort -s -n -k 1,1 | cut -d ' ' -f 2 |
    xargs -P "${JOBS:-$(nproc)}" -n 1 --process-slot-var=E2E_SLOT sh scripts/run-tests.sh --one
cat "$logs"/*.count /dev/null | awk -v asked=$# '
    { passed += $1; failed += $2 }
    END {
        failed += asked - NR # one that left no count was killed
        print passed + 0 " passed, " failed + 0 " failed"
        exit failed > 0 || passed == 0
    }'
