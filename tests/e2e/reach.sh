#!/bin/sh
# Goal: reach over three partners, with a neutral node and without: every union and region within
# its error bar of the truth, the three nodes named, each party paid once; the same question again
# is free; who is away is named, and nobody else is charged.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

# 0..19999, 10000..29999, 15000..34999: of ada and bea 10000 are the same, of all three 5000.
load() {
    customers ada 0 20000
    customers bea 10000 30000
    customers cleo 15000 35000
}
ready() {
    for name in "$@"; do serve "$name"; done
    for name in ada bea cleo; do ok p "$name" tokenise; done
    ok p ada epoch
}

# The truth that follows from the numbers of the persons.
check_three() {
    cell "$work/out" reach "ada | bea | cleo" 35000
    cell "$work/out" reach "ada | bea" 30000
    cell "$work/out" reach "ada | cleo" 35000
    cell "$work/out" reach "bea | cleo" 25000
    cell "$work/out" reach bea 20000
    cell "$work/out" only "ada & bea & cleo" 5000
    cell "$work/out" only "ada & bea" 5000
    cell "$work/out" only "bea & cleo" 10000
    cell "$work/out" only ada 10000
    cell "$work/out" exactly "1 partner" 15000
    cell "$work/out" exactly "2 partners" 15000
    cell "$work/out" exactly "3 partners" 5000
    cell "$work/out" adds ada 10000
    cell "$work/out" adds cleo 5000
}

say "three partners with a neutral node"
fed_neutral=watch
federation ada bea cleo watch
load
ready ada bea cleo watch
ok p ada query reach --with cleo --with bea --json
check_three
holds "$work/out" '.with == "bea,cleo" and .charged_rho == 0.001 and (.repeated | not)'
holds "$work/out" '.threat_model | contains("watch")'
[ "$(spent bea ada)" = "$(spent cleo ada)" ] || fail "bea and cleo charged ada differently"
once=$(spent bea ada)
cp "$work/out" "$work/first"

say "the same question again costs nothing and says the same"
ok p ada query reach --with bea,cleo --json
holds "$work/out" '.charged_rho == 0 and .repeated'
[ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/first")" ] || fail "another answer"
[ "$(spent bea ada)" = "$once" ] || fail "a repeated question was charged"

say "with a filter, by another asker, and as a table"
ok p cleo query reach --with ada --with bea --where ada.segment=loyal --json
cell "$work/out" reach ada 6667
cell "$work/out" only "bea & cleo" 13333
ok p bea query reach --with ada --with cleo
grep -q 'reach.*ada | bea | cleo' "$work/out" || fail "no table"
cat "$work/out"

say "what the policy does not list, and what is no reach"
refused 1 'not listed' p ada query reach --with bea --with cleo --where cleo.segment=new
refused 2 'reach takes more' p ada query overlap --with bea --with cleo
refused 2 'named twice' p ada query reach --with bea,bea

say "a party that is away is named, and the others are not charged"
before=$(spent cleo bea)
stop ada
refused 1 ada p bea query reach --with cleo --with ada --where ada.segment=new
[ "$(spent cleo bea)" = "$before" ] || fail "cleo charged for a question that had no answer"
for name in bea cleo watch; do stop "$name"; done

say "three partners alone: they are the nodes themselves, and the answer says so"
fed_neutral=
rm -rf "$work"/ada* "$work"/bea* "$work"/cleo* "$work"/watch* "$work"/policy*
fed_budget="{rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.0035, lifetime_rho: 1.0}"
federation ada bea cleo
load
ready ada bea cleo
ok p bea query reach --with ada --with cleo --json
check_three
holds "$work/out" '.threat_model | contains("ada") and contains("bea") and contains("cleo") and
                   contains("Two of them together")'

say "over the day's budget: refused by name, with every cell"
ok p bea query reach --with ada --with cleo --where ada.segment=lapsed --json
before=$(spent ada bea)
refused 1 'budget' p bea query reach --with ada --with cleo --where ada.segment=new --json
holds "$work/out" '[.cells[].status] | unique == ["refused"]'
[ "$(spent ada bea)" = "$before" ] || fail "a refused question was charged"

say "the records of asker and owners tell the same of every run"
# same OF BY EQUAL - what OF shows BY agrees with BY's own record, EQUAL questions.
same() {
    p "$1" audit export "$work/$1-for-$2.json" --for "$2" &&
        p "$2" audit compare "$work/$1-for-$2.json" --json >"$work/compared" &&
        jq -e ".good and .equal == $3" "$work/compared"
}
for owner in ada cleo; do
    until_true 10 same "$owner" bea 2 || fail "bea and $owner do not agree by $owner's record"
    until_true 10 same bea "$owner" 2 || fail "bea and $owner do not agree by bea's record"
done
until_true 10 same ada cleo 0 || fail "ada and cleo did not ask each other"
for name in ada bea cleo; do ok p "$name" audit verify; done
