#!/bin/sh
# Goal: the largest federation that a policy may name. A token needs all eight keys; an epoch needs
# only who is present; any two may ask each other.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

all="ada bea cleo dora eve fay gina hana"
# shellcheck disable=SC2086 # a list of words on purpose
federation $all
first=0
for name in $all; do
    customers "$name" $first $((first + 2000)) # neighbours share 1800, ada and hana 600
    first=$((first + 200))
    serve "$name"
done

say "all tokenise at once"
for name in $all; do start "tokens-$name" "$patto" --home "$work/$name" tokenise; done
for name in $all; do
    wait "$(cat "$work/tokens-$name.pid")" || fail "$name got no tokens"
    grep -q '^2000 new tokens' "$work/tokens-$name.log" || fail "$name got too few tokens"
done

say "everybody is in the epoch, and any two agree"
ok p ada epoch
grep -q 'ada, bea, cleo, dora, eve, fay, gina, hana' "$work/out" || fail "somebody is missing"
ok p ada query overlap --with hana --json
cell "$work/out" overlap "ada & hana" 600
ok p hana query reach --with bea --json
cell "$work/out" reach "hana | bea" 3200

say "an epoch without the absent one; with it, a named refusal"
stop cleo
refused 1 cleo p bea epoch --with cleo
ok p bea epoch
grep -q 'absent: cleo' "$work/out" || fail "the absent one is not named"
ok p bea query overlap --with ada --json
cell "$work/out" overlap "bea & ada" 1800
refused 1 cleo p bea query overlap --with cleo
