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

say "one's own column that changed, or was cut short, is made again: the same bytes"
own=$(find "$work/freshmart/columns" -path '*drinkco*' -type f)
[ "$(echo "$own" | wc -l)" = 1 ] || fail "one column was made, not: $own"
cmp "$own" "$held" || fail "what was sent is not what was made"
for harm in changed short; do
    if [ $harm = changed ]; then
        printf 'patto' | dd of="$own" bs=1 seek=100000 conv=notrunc 2>/dev/null
    else
        truncate -s 1000 "$own"
    fi
    ! cmp -s "$own" "$work/held" || fail "the file did not change"
    rm "$held"
    ok p freshmart query overlap --with drinkco --json
    [ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/first.json")" ] ||
        fail "a column that was made again was answered otherwise"
    cmp "$own" "$work/held" || fail "the column was not made again"
    cmp "$held" "$work/held" || fail "the column was not received again"
done

stop freshmart
stop drinkco
