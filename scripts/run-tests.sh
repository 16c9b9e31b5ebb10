#!/bin/sh
# run-tests.sh [--e2e] PROGRAM... - run each test program, print a line each and the output of
# those that fail; --e2e runs tests/e2e/*.sh too; UNDER is a command to run them under. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
logs=$BUILD/test-logs
mkdir -p "$logs"
passed=0
failed=0
run() { # name command...
    name=$1
    shift
    log=$logs/$(echo "$name" | tr / -).log
    began=$(date +%s)
    # shellcheck disable=SC2086 # UNDER is a command with its options
    if ${UNDER:-} "$@" >"$log" 2>&1 </dev/null; then
        verdict=ok
    else
        verdict="FAILED (exit $?)"
    fi
    # cmocka says how many cases a program held; any other program counts as one.
    good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    if [ "$verdict" = ok ]; then
        passed=$((passed + ${good:-1}))
    else
        passed=$((passed + ${good:-0}))
        failed=$((failed + ${bad:-1}))
    fi
    printf '%-52s %s %ss\n' "$name" "$verdict" $(($(date +%s) - began))
    [ "$verdict" = ok ] || sed 's/^/    /' "$log" | tail -n 60
}
e2e=
if [ "${1:-}" = --e2e ]; then
    e2e=yes
    shift
fi
for program in "$@"; do
    case $program in
    *_replay)
        target=$(basename "$program" _replay)
        run "${program#"$BUILD"/}" "$program" "tests/fuzz/corpus/$target"
        ;;
    *) run "${program#"$BUILD"/}" "$program" ;;
    esac
done
if [ -n "$e2e" ]; then
    for script in tests/e2e/*.sh; do
        [ -e "$script" ] || continue
        case $script in */lib*.sh) continue ;; esac
        run "$script" env BUILD="$BUILD" sh "$script"
    done
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
