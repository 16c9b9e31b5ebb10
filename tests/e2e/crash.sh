#!/bin/sh
# Goal: kill -9 at any moment of ingest, tokenise, epoch and query loses no data, under-counts no
# charge, and the next start works. Moments are spread over each step's own duration.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

now_ms() { date +%s%3N; }
# during MS COMMAND... - run it and report in $took how long; killed after MS when MS is not 0. The
# program itself, not a function: the signal is for it, not for a shell around it.
during() {
    limit=$1
    shift
    began=$(now_ms)
    "$@" >"$work/out" 2>"$work/err" </dev/null &
    child=$!
    if [ "$limit" -gt 0 ]; then
        sleep "$(awk -v ms="$limit" 'BEGIN {print ms / 1000}')"
        kill -s KILL "$child" 2>/dev/null || true
    fi
    wait "$child" 2>/dev/null || true
    took=$(($(now_ms) - began))
}
have() { p freshmart status --json | jq -e ".customers == $1" >/dev/null; }
# What freshmart has spent at drinkco, in 1e-9 of rho: whole numbers, which the shell can add.
nano() { p drinkco status --json | jq '.budgets[] | select(.partner == "freshmart") | .period_rho * 1e9 | round'; }

federation freshmart drinkco
customers freshmart 0 3000
customers drinkco 1000 4000

say "ingest: the old customers or the new ones, never neither"
cp "$work/freshmart.csv" "$work/old.csv"
write_customers freshmart 0 6000
during 0 "$patto" --home "$work/freshmart" ingest "$work/freshmart.csv" --map "$work/freshmart.map"
have 6000 || fail "a whole ingest is not in force"
for part in 1 2 3 4 5 6 7 8; do
    ok p freshmart ingest "$work/old.csv" --map "$work/freshmart.map"
    have 3000 || fail "the old file is not in force again"
    during $((took * part / 8 + 1)) "$patto" --home "$work/freshmart" ingest "$work/freshmart.csv" \
        --map "$work/freshmart.map"
    have 3000 || have 6000 || fail "after kill $part of ingest the vault holds something else"
done
ok p freshmart ingest "$work/old.csv" --map "$work/freshmart.map"

say "tokenise: killed at the owner and at the peer, then done"
serve drinkco
for part in 1 2 3 4; do
    serve freshmart
    start job "$patto" --home "$work/freshmart" tokenise
    sleep "$(awk -v n=$part 'BEGIN {print n * 0.15}')"
    stop freshmart KILL
    stop job
done
serve freshmart
start job "$patto" --home "$work/freshmart" tokenise
sleep 0.2
stop drinkco KILL
stop job
[ "$stopped" -ne 0 ] || say "(the tokens were done before the peer was killed)"
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise

say "epoch: killed at either side, then agreed"
for part in 1 2 3; do
    start job "$patto" --home "$work/freshmart" epoch
    sleep "$(awk -v n=$part 'BEGIN {print n * 0.1}')"
    if [ $part = 2 ]; then stop drinkco KILL; else stop freshmart KILL; fi
    stop job
    if [ $part = 2 ]; then serve drinkco; else serve freshmart; fi
done
ok p freshmart epoch

say "query: what was answered was charged; what was not answered is charged at most once"
ask() { p freshmart query overlap --with drinkco --where "segment=$1" --where "drinkco.spend>=$2" --json; }
during 0 ask new 10
whole=$took
cost=$(jq '.charged_rho * 1e9 | round' "$work/out") || fail "the first question has no answer"
for part in 1 2 3 4 5 6; do
    before=$(nano)
    bound=$((10 + part))
    start job "$patto" --home "$work/freshmart" query overlap --with drinkco \
        --where segment=new --where "drinkco.spend>=$bound" --json
    sleep "$(awk -v ms="$whole" -v n=$part 'BEGIN {print ms * n / 6000}')"
    victim=drinkco
    [ $((part % 2)) -eq 0 ] || victim=freshmart
    stop "$victim" KILL
    stop job
    after=$(nano)
    if grep -q '"status": *"value"' "$work/job.log"; then
        [ "$after" -eq $((before + cost)) ] || fail "an answer was released that was not charged"
    fi
    [ "$after" -le $((before + cost)) ] || fail "one question was charged twice"
    : >"$work/job.log"
    serve "$victim"
    ok ask new "$bound"
    [ "$(nano)" -eq $((before + cost)) ] || fail "asked again after the crash: not charged exactly once"
done

say "both stores are whole, and their records tell the same"
ok p freshmart audit export "$work/for-drink.json" --for drinkco
ok p drinkco audit export "$work/for-fresh.json" --for freshmart
ok p freshmart audit compare "$work/for-fresh.json"
ok p drinkco audit compare "$work/for-drink.json"
for name in freshmart drinkco; do
    ok p $name audit verify
    stop $name
    [ "$(sqlite3 "$work/$name/state.db" 'PRAGMA integrity_check')" = ok ] || fail "$name's store is damaged"
done
