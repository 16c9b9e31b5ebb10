#!/bin/sh
# Goal: a company that loads a phone book as its customers gets no more tokens a day than the policy's
# quota, is refused by name, and the partner's record holds it; without tokens it can ask nothing.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

# Batches are padded by 0 to 2,200 points (PROTOCOL.md 5): 3,000 customers fit, 9,000 more do not.
fed_evaluations=6000
federation freshmart drinkco
customers freshmart 0 3000
customers drinkco 1000 2500
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart epoch

say "a phone book is over the day's quota: QUOTA, and no token of it"
stop freshmart
customers freshmart 0 12000
serve freshmart
refused 1 QUOTA p freshmart tokenise
p freshmart status --json >"$work/status.json"
holds "$work/status.json" '.customers == 12000 and .tokens == 3000'

say "again, and again: what was refused is not counted, and stays refused"
refused 1 QUOTA p freshmart tokenise
refused 1 QUOTA p freshmart tokenise

say "the partner has it on record"
ok p drinkco audit show --json
holds "$work/out" '[.. | objects | select(.kind? == "refused")] | length >= 1'
grep -q QUOTA "$work/out" || fail "drinkco's record does not say QUOTA"

say "with the phone book there is no epoch, and no answer"
refused 1 'no epoch is in force' p freshmart query overlap --with drinkco
refused 1 'patto tokenise' p freshmart epoch
