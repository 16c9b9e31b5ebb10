#!/bin/sh
# witness.sh - a neutral node watches over the others' logs: it signs their heads, later when it was
# away, and notices another history of one that it has signed. A quorum of one is enough here.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

cosigned_by() { # OWNER WITNESS
    p "$1" audit verify --json | jq -e --arg by "$2" \
        '.events == .published and (.cosigned | map(.by) | index($by) != null)' >/dev/null
}

fed_neutral=watch
fed_audit='{witnesses: [ada, bea, watch], quorum: 1}'
federation ada bea watch
customers ada 0 3000
customers bea 1000 4000
for name in ada bea watch; do serve "$name"; done
for name in ada bea; do ok p "$name" tokenise; done
ok p ada epoch
ok p ada query overlap --with bea --json

say 'the neutral node signs the logs of both, and its own is signed'
for owner in ada bea; do
    until_true 20 cosigned_by "$owner" watch || fail "watch has not signed the log of $owner"
done
until_true 20 cosigned_by watch ada || fail 'ada has not signed the log of watch'

say 'who is away is named, one signature is enough, and it signs when it is back'
stop watch
ok p ada query overlap --with bea --where segment=loyal --json
cp "$work/out" "$work/answer"
receipt="$work/ada/receipts/$(jq -r '.receipts[0]' "$work/answer")"
ok p ada audit receipt "$receipt" --quorum --answer "$work/answer"
grep -q 'these have not signed this head: watch' "$work/out" || fail 'watch is not named'
until_true 20 cosigned_by bea ada || fail 'ada has not signed'
ok p bea audit verify
grep -q '^missing    watch' "$work/out" || fail 'watch is not missing'
grep -q '^quorum     1 of the 1 ' "$work/out" || fail 'one is enough'
serve watch
stop bea
serve bea
until_true 20 cosigned_by bea watch || fail 'watch does not sign when it is back'

say 'another history is noticed by the neutral node too'
stop bea
cp -a "$work/bea" "$work/bea.older"
serve bea
ok p ada query overlap --with bea --where segment=lapsed --json
until_true 20 cosigned_by bea watch || fail 'watch has not signed'
stop bea
rm -rf "$work/bea"
mv "$work/bea.older" "$work/bea"
for _ in 1 2 3 4 5 6; do customers bea 1000 4000; done # events of its own, more than were seen
serve bea
until_true 20 grep -q 'WITNESS: the log of bea does not continue what was seen of it (fork)' "$work/watch.log" ||
    fail 'watch does not notice'
until_true 20 grep -q 'the log is not cosigned by watch' "$work/bea.log" || fail 'bea is not told'
ok p watch audit show --kind witness --json
holds "$work/out" '.[0].fields | .peer == "bea" and .what == "fork" and (.size | tonumber) > (.seen_size | tonumber)'
