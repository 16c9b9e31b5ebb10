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
# A line a branch: file, line and number, how often taken. Code in headers, as curve_ladder.h, is
# compiled into several files: a branch is taken when one of them takes it. The field's headers are
# left out: loops over limbs, inlined so often that they would make three quarters of all branches.
branches=$BUILD/branches.tsv
: >"$branches"
for source in crypto/base/*.c crypto/*.c policy/*.c; do
    gcov --branch-probabilities --json-format --stdout "$BUILD/${source%.c}.gcno" 2>/dev/null |
        jq -r '.files[] | select(.file | test("^(crypto|policy)/(?!fe)")) | .file as $file
               | .lines[] | .line_number as $line
               | .branches | to_entries[] | select(.value.throw | not)
               | "\($file):\($line)\t\(.key)\t\(.value.count)"' >>"$branches"
done
asserts=$BUILD/asserts.txt
grep -nE '^[[:space:]]*(assert|_Static_assert)\(' crypto/*.[ch] crypto/base/*.[ch] policy/*.[ch] |
    cut -d: -f1,2 >"$asserts"
table=$BUILD/files.tsv
awk -F '\t' '
    FILENAME == ARGV[1] { skip[$1] = 1; next }
    skip[$1] { next }
    {
        file = $1; sub(/:.*/, "", file)
        if (!seen[$1, $2]++) all[file]++
        if ($3 > 0 && !hit[$1, $2]++) taken[file]++
    }
    END { for (file in all) printf "%s\t%d\t%d\n", file, all[file], taken[file] }
    ' "$asserts" "$branches" | LC_ALL=C sort >"$table"
awk -F '\t' -v least="$LEAST" '
    {
        folder = $1; sub(/\/.*/, "", folder)
        all[folder] += $2; taken[folder] += $3
        printf "%-28s %5d of %5d branches  %5.1f %%\n", $1, $3, $2, 100 * $3 / $2
    }
    END {
        for (folder in all) {
            percent = 100 * taken[folder] / all[folder]
            printf "%-28s %5d of %5d branches  %5.1f %%\n", folder "/", taken[folder], all[folder],
                   percent
            if (percent < least) {
                printf "%s/ is under %d %% of branches\n", folder, least > "/dev/stderr"
                bad = 1
            }
        }
        exit bad
    }' "$table"
