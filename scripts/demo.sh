#!/bin/sh
# demo.sh [CUSTOMERS] [SEED] - three companies on this machine, from nothing to answers beside the
# truth. Everything it makes is in $BUILD/demo; everything it starts, it stops.
# Exit status 0: at least 90 % of figures lie within their 95 % error bars, all within three times.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
customers=${1:-100000}
seed=${2:-1}
patto=$PWD/$BUILD/patto
dir=$PWD/$BUILD/demo
partners='freshmart drinkco homeware'
began=$(date +%s)
daemons=
stop() {
    for pid in $daemons; do kill "$pid" 2>/dev/null || :; done
    for pid in $daemons; do wait "$pid" 2>/dev/null || :; done
    daemons=
}
trap stop EXIT
trap 'exit 130' INT TERM
say() { printf '\n[%3ss] %s\n' "$(($(date +%s) - began))" "$*"; }
# Wait for each process; show the log of one that failed.
await() { # what pid:name...
    what=$1
    shift
    failed=
    for one in "$@"; do
        wait "${one%%:*}" || failed="$failed ${one#*:}"
    done
    for name in $failed; do
        echo "demo: $what failed at $name:" >&2
        tail -n 5 "$dir/$what-$name.log" "$dir/serve-$name.log" >&2 2>/dev/null || :
    done
    [ -z "$failed" ]
}
# A port nobody listens on, from a range of our own; /proc/net/tcp lists those in use.
port=$((20000 + $$ % 20000))
free_port() {
    while :; do
        port=$((port + 1))
        hex=$(printf ':%04X ' "$port")
        grep -qsi "$hex" /proc/net/tcp /proc/net/tcp6 || return 0
    done
}

rm -rf "$dir"
mkdir -p "$dir/data" "$dir/log"
say "$customers customers each, with known overlap (seed $seed)"
"$BUILD/demo-data" "$dir/data" "$customers" "$seed"
wc -l "$dir"/data/customers-*.csv | sed 's/^/    /; s|/.*/||'

say 'each company makes its node, each privacy officer a key'
for name in $partners; do
    free_port
    "$patto" init "$dir/$name" --name "$name" --listen "127.0.0.1:$port" \
        >"$dir/block-$name.yaml" 2>>"$dir/log/init.log"
    "$patto" officer-key "$dir/officer-$name.key" --no-password >"$dir/log/officer-$name" 2>&1
done

say 'they agree on a policy, and each officer signs it'
block() { # name: its block as init printed it, with officer and attributes filled in
    sed -n '/^ *endpoint:/p; /^ *certificate:/p' "$dir/block-$1.yaml"
    printf '    officer: %s\n' "$(tail -n 1 "$dir/officer-$1.key.pub")"
    sed -n '/^ *node:/p' "$dir/block-$1.yaml"
    printf '    customers: {min: 1, max: 1000000}\n    attributes:\n'
}
set_of() { printf '      %s: {type: set, values: [%s], max_per_person: 3}\n' "$1" "$2"; }
category() { printf '      %s: {type: category, values: [%s]}\n' "$1" "$2"; }
{
    cat <<YAML
patto: 1
federation: demo
version: 1
purpose: joint-campaign-planning
purpose_words: A demonstration on one machine, with customers made up by a program.
legal: {basis: consent, arrangement: DEMO-1, dpia: DEMO-2, contact: privacy@example.org, retention_days: 30}
valid: {from: $(date -u -d '-1 day' +%F), until: $(date -u -d '+90 days' +%F)}
match: {identifier: email, normalisation: uid2, slots_per_customer: 4}
partners:
  freshmart:
$(block freshmart)
$(category segment 'new, loyal, lapsed')
$(set_of buys 'dairy, fruit, bakery, meat, sweets, frozen')
      spend: {type: number, min: 0, max: 500, unit: EUR, combine: sum}
  drinkco:
$(block drinkco)
$(category tier 'bronze, silver, gold')
$(set_of drinks 'beer, wine, juice, water, coffee, spirits')
  homeware:
$(block homeware)
$(category style 'modern, classic, rustic')
$(set_of rooms 'kitchen, bath, garden, living')
$(category stage 'recognise, request, respond, repeat')
questions:
  overlap: {ask: any, filters: [freshmart.segment, freshmart.spend, drinkco.tier]}
  reach: {ask: any, filters: [freshmart.segment, drinkco.tier]}
  crosstab:
    ask: any
    filters: [freshmart.segment, drinkco.tier]
    pairs:
      - [freshmart.buys, drinkco.drinks]
      - [freshmart.segment, drinkco.tier]
      - [homeware.rooms, drinkco.drinks]
      - [homeware.stage, freshmart.buys]
  value: {ask: any, filters: [freshmart.segment], pairs: [[drinkco.tier, freshmart.spend]]}
privacy:
  unit: person
  minimum_count: 100
  minimum_audience: 1000
  budget: {rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.02, lifetime_rho: 1.0}
  cost: {count_rho: 0.0005, table_rho: 0.002}
audit: {witnesses: [freshmart, drinkco], quorum: all}
YAML
} >"$dir/policy.yaml"
for name in $partners; do
    "$patto" policy sign "$dir/policy.yaml" --key "$dir/officer-$name.key" --as "$name" \
        >>"$dir/log/sign.log" 2>&1 || { tail -n 5 "$dir/log/sign.log" >&2; exit 1; }
done
"$patto" policy check "$dir/policy.yaml" | sed 's/^/    /'

say 'each node joins, and loads its own customers'
for name in $partners; do
    "$patto" --home "$dir/$name" join "$dir/policy.yaml" >>"$dir/log/join.log" 2>&1 ||
        { tail -n 5 "$dir/log/join.log" >&2; exit 1; }
    "$patto" --home "$dir/$name" ingest "$dir/data/customers-$name.csv" \
        --map "$dir/data/map-$name.yaml" >"$dir/ingest-$name.log" 2>"$dir/log/ingest-$name" ||
        { tail -n 20 "$dir/ingest-$name.log" "$dir/log/ingest-$name" >&2; exit 1; }
    echo "  $name"
    sed 's/^/    /' "$dir/ingest-$name.log" | cut -c 1-100
done

say 'three daemons, mutual TLS on loopback'
for name in $partners; do
    "$patto" --home "$dir/$name" serve 2>"$dir/serve-$name.log" &
    daemons="$daemons $!"
done
for name in $partners; do
    tries=0
    until [ -S "$dir/$name/planner.sock" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 100 ] || { cat "$dir/serve-$name.log" >&2; exit 1; }
        sleep 0.1
    done
done

say 'tokens: every customer through every key holder, no list leaves a node'
running=
for name in $partners; do
    "$patto" --home "$dir/$name" tokenise >"$dir/tokenise-$name.log" 2>&1 &
    running="$running $!:$name"
done
# shellcheck disable=SC2086 # a list of words on purpose
await tokenise $running
sed 's/^/    /' "$dir"/tokenise-*.log

say 'an epoch: a salt that nobody chose'
"$patto" --home "$dir/freshmart" epoch >"$dir/epoch-freshmart.log" 2>&1 ||
    { cat "$dir/epoch-freshmart.log" "$dir"/serve-*.log >&2; exit 1; }
sed 's/^/    /' "$dir/epoch-freshmart.log"

say 'questions'
number=0
ask() { # node, then the words of the question
    node=$1
    shift
    number=$((number + 1))
    out=$dir/$(printf '%02d' "$number")-$node-$1.json
    printf '    patto --home %s query %s\n' "$node" "$*"
    "$patto" --home "$dir/$node" query "$@" --json >"$out" 2>"$dir/query.log" ||
        { cat "$dir/query.log" >&2; exit 1; }
}
ask freshmart overlap --with drinkco
ask drinkco overlap --with homeware
ask freshmart overlap --with drinkco --where segment=loyal --where drinkco.tier=gold
ask freshmart overlap --with homeware --where 'spend>=150'
ask homeware reach --with freshmart
ask freshmart reach --with drinkco --where segment=new --where drinkco.tier=silver
ask freshmart crosstab --with drinkco --rows buys --columns drinkco.drinks
ask freshmart affinity --with drinkco --rows buys --columns drinkco.drinks
ask freshmart profile --with drinkco --rows buys --columns drinkco.drinks
ask drinkco crosstab --with freshmart --rows tier --columns freshmart.segment
ask drinkco value --with freshmart --rows tier --columns freshmart.spend
ask drinkco value --with freshmart --rows tier --columns freshmart.spend --where freshmart.segment=loyal
ask homeware affinity --with drinkco --rows rooms --columns drinkco.drinks
ask homeware affinity --with freshmart --rows stage --columns freshmart.buys \
    --where freshmart.segment=loyal

say 'one of them as a planner sees it (asked again: it costs nothing)'
"$patto" --home "$dir/freshmart" query affinity --with drinkco --rows buys --columns drinkco.drinks |
    sed 's/^/    /'

say 'a number of theirs by groups of mine: sum and mean'
"$patto" --home "$dir/drinkco" query value --with freshmart --rows tier --columns freshmart.spend |
    sed 's/^/    /'

say 'and what the table of before, paid for once, says about pairs that are rarer than they might be'
"$patto" --home "$dir/freshmart" query surprise --with drinkco --rows buys --columns drinkco.drinks |
    sed 's/^/    /'

say 'a plan: what it would cost, then all of it with a report'
"$patto" --home "$dir/freshmart" plan explain tests/demo/plans/joint-launch.yaml 2>/dev/null |
    sed 's/^/    /'
"$patto" --home "$dir/freshmart" plan run tests/demo/plans/joint-launch.yaml --out "$dir" \
    2>"$dir/plan.log" | sed "s|$PWD/||; s/^/    /"
[ -s "$dir/report.html" ] || { cat "$dir/plan.log" >&2; exit 1; }

say 'every answer beside the truth, which only this demo knows'
status=0
"$BUILD/demo-check" "$dir/data/truth.db" "$dir"/[0-9]*.json || status=$?
stop
say "done; answers are in $BUILD/demo/*.json, the plan's report in $BUILD/demo/report.html"
exit "$status"
