#!/bin/sh
# Goal: what is computed with is what was verified: a ciphertext that changed on the evaluator's
# disk (a bad disk, a backup put back) is asked for again, not multiplied under the old noise.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

federation freshmart drinkco
customers freshmart 0 4000
customers drinkco 2000 5000
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p drinkco epoch
ok p freshmart query overlap --with drinkco --json
cp "$work/out" "$work/first.json"

say "a held column that changed is received again"
held=$(find "$work/drinkco/columns" -path '*freshmart-held*' -type f)
[ "$(echo "$held" | wc -l)" = 1 ] || fail "one column was sent, not: $held"
cp "$held" "$work/held"
printf 'patto' | dd of="$held" bs=1 seek=100000 conv=notrunc 2>/dev/null
! cmp -s "$held" "$work/held" || fail "the file did not change"
ok p freshmart query overlap --with drinkco --json
holds "$work/out" '.charged_rho == 0'
[ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/first.json")" ] ||
    fail "a changed ciphertext was answered under the same noise"
cmp "$held" "$work/held" || fail "the column was not received again"

say "one's own columns are kept nowhere, and made again when they are needed: the same bytes"
[ -z "$(find "$work/freshmart/columns" -type f 2>/dev/null)" ] || fail "the asker kept a column"
for again in running restarted; do
    if [ $again = restarted ]; then
        stop freshmart
        mkdir -p "$work/freshmart/columns/x/drinkco-sent"
        cp "$work/held" "$work/freshmart/columns/x/drinkco-sent/of-an-older-build"
        serve freshmart
        [ -z "$(find "$work/freshmart/columns" -type f)" ] || fail "an older build's column stays"
    fi
    rm "$held"
    ok p freshmart query overlap --with drinkco --json
    [ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/first.json")" ] ||
        fail "a column that was made again was answered otherwise"
    cmp "$held" "$work/held" || fail "another column came"
done

stop freshmart
stop drinkco
