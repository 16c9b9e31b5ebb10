#!/bin/sh
# Goal: questions of three companies, status, a token run and a new epoch all at once: each question
# is answered, or refused because the epoch changed; none fails, and no node stops.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

federation freshmart drinkco homeware
customers freshmart 0 3000
customers drinkco 1000 4000
customers homeware 500 3500
for name in freshmart drinkco homeware; do serve $name; done
for name in freshmart drinkco homeware; do ok p $name tokenise; done
ok p freshmart epoch

# one NUMBER ASKER COMMAND... - in the background; its words and status to files.
jobs=
one() {
    number=$1
    shift
    {
        rc=0
        p "$@" >"$work/answer.$number" 2>"$work/words.$number" </dev/null || rc=$?
        echo "$rc" >"$work/status.$number"
    } &
    jobs="$jobs $!"
}

say "questions from all to all while an epoch is made"
count=0
for round in 10 20 30; do
    for pair in "freshmart drinkco" "drinkco freshmart" "homeware drinkco" "drinkco homeware"; do
        count=$((count + 1))
        # shellcheck disable=SC2086 # two words
        set -- $pair
        one "$count" "$1" query overlap --with "$2" --where "drinkco.spend>=$round" --json
    done
    count=$((count + 1))
    one "$count" freshmart query crosstab --with drinkco --rows buys --columns drinkco.buys --json
done
questions=$count
one status drinkco status --json
one epoch homeware epoch
one tokenise drinkco tokenise
for job in $jobs; do wait "$job"; done

answered=0
number=0
while [ $number -lt $questions ]; do
    number=$((number + 1))
    if [ "$(cat "$work/status.$number")" -eq 0 ]; then
        answered=$((answered + 1))
        continue
    fi
    grep -q EPOCH_MISMATCH "$work/words.$number" || {
        cat "$work/words.$number" >&2
        fail "question $number failed"
    }
done
[ $answered -ge 3 ] || fail "only $answered of $questions were answered"
[ "$(cat "$work/status.status")" -eq 0 ] || fail "no status while working"
! grep -h INTERNAL "$work"/*.log || fail "a node failed inside"

say "afterwards all is as before, and old columns are gone"
ok p drinkco epoch
ok p freshmart query overlap --with drinkco --json
for name in freshmart drinkco homeware; do
    [ "$(find "$work/$name/columns" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -le 1 ] || fail "$name keeps old columns"
    stop $name
    [ "$stopped" -eq 0 ] || fail "$name ended with $stopped"
done
