#!/bin/sh
# Goal: everything that honest nodes sent is made again from vault, seed and record, byte for byte,
# with any number of threads; what was changed since is named; replaced data are told from a lie.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

say "tokens, an epoch, questions both ways"
federation ada bea cleo
customers ada 0 4000
customers bea 2000 6000
customers cleo 3000 7000
for name in ada bea cleo; do serve "$name"; done
for name in ada bea cleo; do ok p "$name" tokenise; done
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
ok p ada query overlap --with bea
ok p ada query overlap --with bea --where ada.segment=loyal
ok p ada query overlap --with bea # again, for nothing
ok p bea query crosstab --with ada --rows bea.buys --columns ada.buys
ok p bea query overlap --with ada

say "all of it replays, beside the running node"
for name in ada bea cleo; do
    for threads in 1 2 4; do
        ok p "$name" audit replay "$epoch" --threads $threads --json
        cp "$work/out" "$work/$name.$threads"
        holds "$work/out" '.verdict == "same" and .data_match and .missing == ""'
    done
    cmp "$work/$name.1" "$work/$name.2" || fail "two threads show"
    cmp "$work/$name.1" "$work/$name.4" || fail "four threads show"
done
