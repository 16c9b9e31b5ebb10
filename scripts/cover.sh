#!/bin/sh
# cover.sh - branch coverage of crypto/ and policy/ by the unit tests, a line a file; fails when
# either folder is under 90 %.
#
# Counted with gcov's branches, but for those that no test may take: the failing side of an
# assert() (it ends the process, and it is our bug by definition), which is why the assert lines
# are left out. Nothing else is: out-of-memory paths count against us.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build/cover}
LEAST=${LEAST:-90}
tests=
for source in tests/crypto/*_test.c tests/policy/*_test.c; do
    tests="$tests $BUILD/${source%.c}"
done
find . -path "./$BUILD/*" -name '*.gcda' -exec rm -f {} +
# -Og: at -O2 many a branch is not one that we wrote, at -O0 the lattice takes minutes.
# shellcheck disable=SC2086 # lists of words on purpose
make --no-print-directory BUILD="$BUILD" COVER=1 OPT=-Og MEMCHECK=1 $tests
# shellcheck disable=SC2086
BUILD="$BUILD" sh scripts/run-tests.sh $tests
table=$BUILD/branches.tsv
: >"$table"
for source in crypto/base/*.c crypto/*.c policy/*.c; do
    notes=$BUILD/${source%.c}.gcno
    asserts=$(grep -nE '^[[:space:]]*(assert|_Static_assert)\(' "$source" | cut -d: -f1 |
              paste -sd, -)
    gcov --branch-probabilities --json-format --stdout "$notes" 2>/dev/null |
        jq -r --arg source "$source" --arg asserts ",${asserts:-}," '
            [.files[] | select(.file == $source) | .lines[]
             | ",\(.line_number)," as $line | select($asserts | contains($line) | not)
             | .branches[] | select(.throw | not)]
            | [$source, length, (map(select(.count > 0)) | length)] | @tsv' >>"$table"
done
awk -F '\t' -v least="$LEAST" '
    {
        folder = $1; sub(/\/.*/, "", folder)
        all[folder] += $2; taken[folder] += $3
        printf "%-28s %5d of %5d branches  %5.1f %%\n", $1, $3, $2, $2 ? 100 * $3 / $2 : 100
    }
    END {
        for (folder in all) {
            percent = all[folder] ? 100 * taken[folder] / all[folder] : 0
            printf "%-28s %5d of %5d branches  %5.1f %%\n", folder "/", taken[folder], all[folder],
                   percent
            if (percent < least) {
                printf "%s/ is under %d %% of branches\n", folder, least > "/dev/stderr"
                bad = 1
            }
        }
        exit bad
    }' "$table"
