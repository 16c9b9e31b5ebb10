#!/bin/sh
# reach.sh [CUSTOMERS] - how long one answer of reach over three partners takes, all three nodes on
# this machine, command line included: seconds of a new question, and of the same one again.
# Prints a line; the default is a million customers each, 2^22 slots.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh
n=${1:-1000000}
fed_budget="{rho: 1, delta: 1e-9, days: 90, daily_rho: 1, lifetime_rho: 1.0}"
federation ada bea cleo
say "loading $n customers each"
customers ada 0 "$n"
customers bea $((n / 2)) $((n / 2 + n))
customers cleo $((n / 4)) $((n / 4 + n))
for name in ada bea cleo; do serve "$name"; done
say "tokens, an epoch"
for name in ada bea cleo; do ok p "$name" tokenise; done
ok p ada epoch
seconds() { # COMMAND... - of one run
    began=$(date +%s%N)
    ok "$@"
    awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { printf "%.2f", (b - a) / 1e9 }'
}
first=$(seconds p ada query reach --with bea --with cleo --json)
jq -e --arg n "$n" '.cells[0] | .status == "value" and
    (.value - 1.5 * ($n | tonumber) | fabs) <= 3 * .half_width' "$work/out" >/dev/null ||
    fail "the answer is wrong"
filtered=$(seconds p ada query reach --with bea --with cleo --where segment=new)
again=$(seconds p ada query reach --with bea --with cleo)
echo "reach of 3 partners, $n customers each: $first s, with a filter $filtered s, again $again s"
