#!/bin/sh
# check-named-tests.sh - every `tests/FILE: NAME` in tests/README.md names a file that says NAME.
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC2016 # backticks of Markdown
grep -o '`tests/[^`]*: [^`]*`' tests/README.md | tr -d '`' | sort -u >"${TMPDIR:-/tmp}/named.$$"
trap 'rm -f "${TMPDIR:-/tmp}/named.$$"' EXIT
missing=0
count=0
while IFS= read -r pair; do
    file=${pair%%: *}
    name=${pair#*: }
    count=$((count + 1))
    if ! grep -qF -- "$name" "$file"; then
        echo "tests/README.md names '$name', which is not in $file"
        missing=1
    fi
done <"${TMPDIR:-/tmp}/named.$$"
[ "$count" -gt 0 ] || {
    echo "tests/README.md names no test at all"
    exit 1
}
exit "$missing"
