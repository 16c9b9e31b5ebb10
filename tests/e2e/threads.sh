#!/bin/sh
# Goal: order and bytes do not depend on how many threads compute. Method: ciphertexts made and an
# answer given with one thread; then both nodes run with four, what the evaluator held is gone, and
# the same question sends the same files and gets the same cells, noise and all, for nothing.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

# columns NODE - names and contents of the encrypted columns that it holds
columns() {
    (cd "$work/$1/columns" && find . -type f -exec sha256sum {} + | sort -k 2)
}

federation freshmart drinkco
customers freshmart 0 4000
customers drinkco 2000 5000
refused 2 '1 to 256' p freshmart serve --threads 0
refused 2 '1 to 256' p freshmart serve --threads many

say "one thread"
serve freshmart --threads 1
serve drinkco --threads 1
ok p freshmart tokenise
ok p drinkco tokenise
ok p drinkco epoch
ok p freshmart query crosstab --with drinkco --rows buys --columns drinkco.buys --json
cp "$work/out" "$work/one.json"
holds "$work/one.json" '(.cells | length) > 4 and .charged_rho > 0'
columns drinkco >"$work/one.held"
[ "$(wc -l <"$work/one.held")" -gt 2 ] || fail "a table sends more than two columns"
stop freshmart
stop drinkco

say "four threads"
find "$work/drinkco/columns" -type f -delete
[ -z "$(columns drinkco)" ] || fail "the evaluator's columns are still there"
serve freshmart --threads 4
serve drinkco --threads 4
ok p freshmart query crosstab --with drinkco --rows buys --columns drinkco.buys --json
holds "$work/out" '.charged_rho == 0'
[ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/one.json")" ] ||
    fail "four threads answer otherwise than one"
columns drinkco >"$work/four.held"
cmp "$work/one.held" "$work/four.held" || fail "four threads encrypt otherwise than one"

stop freshmart
stop drinkco
