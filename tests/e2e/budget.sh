#!/bin/sh
# Goal: `budget show` adds the ledger up rightly, alone and jointly, beside a running node, and its
# page fits 80 columns in any locale. The charges are put into the ledger by hand.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

fed_from=$(date -u -d '-100 days' +%F) # the second budget period of 90 days, day 11
federation freshmart drinkco homeware
db=$work/freshmart/state.db
# charge RECIPIENT KIND NANO DAYS_AGO
charge() {
    sqlite3 "$db" "
        INSERT INTO events SELECT coalesce(max(sequence), 0) + 1, unixepoch() - $4 * 86400, 'charge',
            'by=hand', randomblob(32) FROM events;
        INSERT INTO charges SELECT randomblob(32), '$1', '$2', zeroblob(32), $3,
            unixepoch() - $4 * 86400, zeroblob(32), 'q', max(sequence) FROM events;"
}
show() { p freshmart budget show "$@"; }

say 'an empty ledger'
ok show
grep -q '^drinkco: rho 0.1[0-9]* left for questions; rho binds' "$work/out" || fail 'an empty ledger leaves all'
ok show --json
holds "$work/out" '(.partners | length) == 2 and .joint.lifetime.rho == 0 and (.days | length) == 11'

say 'two periods, three recipients, one of whom has left'
charge drinkco overlap 50000000 50 # in the first period
charge drinkco overlap 30000000 9
charge drinkco reach 20000000 0
charge homeware crosstab 150000000 3
charge former overlap 1000000 60
serve freshmart
ok show --json
holds "$work/out" '[.partners[] | select(.in_policy) | .partner] == ["drinkco", "homeware"]'
holds "$work/out" '.partners[] | select(.partner == "drinkco") | .binds == "rho"
    and (.spent.today.rho - 0.02 | fabs) < 1e-12 and (.spent.period.rho - 0.05 | fabs) < 1e-12
    and (.spent.lifetime.rho - 0.1 | fabs) < 1e-12 and (.spent.lifetime.epsilon - 2.72 | fabs) < 0.01
    and (.spent.period.left_rho - 0.15 | fabs) < 1e-12
    and .charged_for == [{kind: "overlap", count: 2, rho: 0.08}, {kind: "reach", count: 1, rho: 0.02}]'
holds "$work/out" '.partners[] | select(.partner == "former") | .in_policy == false and .binds == null'
# Everybody as one is the sum of each: that is what rho is for.
# shellcheck disable=SC2016 # the variables are those of jq
holds "$work/out" '. as $all | ["today", "period", "lifetime"] | all(. as $w |
    ([$all.partners[].spent[$w].rho] | add) - $all.joint[$w].rho | fabs < 1e-12)'
holds "$work/out" '(.joint.period.rho - 0.2 | fabs) < 1e-12 and (.joint.period.epsilon - 3.93 | fabs) < 0.01'
holds "$work/out" '[.days[].period_rho * 1000 | round] == [0, 30, 30, 30, 30, 30, 30, 180, 180, 180, 200]'
ok show --partner homeware --json
holds "$work/out" '(.partners | length) == 1 and .joint == null and
    ([.days[].period_rho * 1000 | round] | .[6] == 0 and .[7] == 150 and .[10] == 150)'

say 'CSV'
ok show --csv
[ "$(head -n 1 "$work/out")" = partner,window,spent_rho,cap_rho,left_rho,epsilon,binds ] || fail 'another heading'
grep -qx 'homeware,period,0.15,0.2,0.05,[0-9.]*,yes' "$work/out" || fail 'homeware is not as charged'
grep -qx '(all),lifetime,0.251,,,[0-9.]*,' "$work/out" || fail 'the joint sum is another'
[ "$(awk -F, 'NF != 7' "$work/out" | wc -l)" -eq 0 ] || fail 'a row of another width'

say 'a page of 80 columns, in ASCII where the locale is not UTF-8, without colour in a file'
ok env LC_ALL=C "$patto" --home "$work/freshmart" budget show
! LC_ALL=C grep -q '[^ -~]' "$work/out" || fail 'not ASCII'
[ "$(awk 'length > n {n = length} END {print n}' "$work/out")" -eq 80 ] || fail 'not exactly 80 columns'
ok env LC_ALL=C.UTF-8 "$patto" --home "$work/freshmart" budget show
grep -qF '┤' "$work/out" || fail 'no Unicode in UTF-8'
[ "$(LC_ALL=C.UTF-8 wc -L <"$work/out")" -eq 80 ] || fail 'not exactly 80 columns in UTF-8'
! grep -q "$(printf '\033')" "$work/out" || fail 'colour in a file'

refused 2 'is no partner' "$patto" --home "$work/freshmart" budget show --partner nobody
refused 2 'not both' "$patto" --home "$work/freshmart" budget show --json --csv
say passed
