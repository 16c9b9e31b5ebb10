#!/bin/sh
# ct.sh - constant time where a secret is an operand: every case of tests/ct/ct_*.c under memcheck,
# built by gcc and clang at -O1, -Os and -O2. tests/ct/ct_control.c must be reported each time.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build/ct}
JOBS=${JOBS:-2}
mkdir -p "$BUILD"
log=$BUILD/last.log
passed=0
failed=0
for cc in ${CT_CC:-gcc clang}; do
    for opt in ${CT_OPT:--O1 -Os -O2}; do
        dir=$BUILD/$cc$opt
        # Debian 12's valgrind reads no DWARF 5 from clang.
        if ! make --no-print-directory -j"$JOBS" BUILD="$dir" CC="$cc" OPT="$opt" MEMCHECK=1 \
                CFLAGS=-gdwarf-4 ct-programs >"$log" 2>&1; then
            tail -n 20 "$log"
            echo "ct.sh: $cc $opt does not build"
            exit 1
        fi
        for source in tests/ct/ct_*.c; do
            program=$dir/${source%.c}
            for name in $("$program"); do
                if valgrind -q --error-exitcode=9 --suppressions=tests/ct/ct.supp \
                        "$program" "$name" >"$log" 2>&1; then
                    found=clean
                elif grep -q uninitialised "$log"; then
                    found=reported
                else
                    found=broken
                fi
                want=clean
                [ "$source" = tests/ct/ct_control.c ] && want=reported
                if [ "$found" = "$want" ]; then
                    passed=$((passed + 1))
                else
                    failed=$((failed + 1))
                    echo "FAILED $cc $opt $(basename "$program") $name: $found, expected $want"
                    head -n 12 "$log"
                fi
            done
        done
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
