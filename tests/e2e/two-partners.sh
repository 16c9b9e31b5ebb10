#!/bin/sh
# Goal: two companies get right answers over real sockets, pay once for one question, and an
# outside client (grpc-js) is served, or refused, as the documents say.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

federation freshmart drinkco
customers freshmart 0 4000
customers drinkco 2000 5000 # 2000 in common
serve freshmart
serve drinkco

say "questions before tokens and epoch are refused with what to do"
refused 1 'patto epoch' p freshmart query overlap --with drinkco
refused 1 'patto tokenise' p freshmart epoch
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart tokenise # nothing left to do
ok p drinkco epoch

say "answers hold the truth within three times their stated error"
ok p freshmart query overlap --with drinkco --json
cp "$work/out" "$work/first.json"
cell "$work/first.json" overlap "freshmart & drinkco" 2000
holds "$work/first.json" '.charged_rho > 0.000625 and .charged_rho < 0.000626'
holds "$work/first.json" '.threat_model | length > 40'
ok p drinkco query reach --with freshmart --json
cell "$work/out" reach "drinkco | freshmart" 5000
ok p freshmart query overlap --with drinkco --where segment=new --where 'drinkco.spend>=50' --json
# Of 2000..3999: n mod 3 = 0 and n mod 100 >= 50.
truth=$(awk 'BEGIN {for (n = 2000; n < 4000; n++) c += n % 3 == 0 && n % 100 >= 50; print c}')
cell "$work/out" overlap "freshmart & drinkco" "$truth"
ok p freshmart query crosstab --with drinkco --rows buys --columns drinkco.buys --json
truth=$(awk 'BEGIN {for (n = 2000; n < 4000; n++) c += n % 4 == 0 || int(n / 4) % 4 == 0; print c}')
cell "$work/out" dairy dairy "$truth"

say "the same question is the same answer and costs nothing"
before=$(spent drinkco freshmart)
ok p freshmart query overlap --with drinkco --json
[ "$(spent drinkco freshmart)" = "$before" ] || fail "a repeated question was charged"
holds "$work/out" '.charged_rho == 0'
[ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/first.json")" ] ||
    fail "a repeated question has another answer"
ok p freshmart query affinity --with drinkco --rows buys --columns drinkco.buys --csv
[ "$(spent drinkco freshmart)" = "$before" ] || fail "another reading of a paid table was charged"

say "the policy says no, and where"
refused 1 'questions.crosstab.pairs, line' \
    p freshmart query crosstab --with drinkco --rows segment --columns drinkco.segment

say "an audience that is too small costs once what it says, and nothing again"
before=$(spent drinkco freshmart)
refused 1 'audience' p freshmart query overlap --with drinkco --where 'drinkco.spend>=99' --json
after=$(spent drinkco freshmart)
holds "$work/out" "(.charged_rho - ($after - $before)) | fabs < 1e-9"
holds "$work/out" '.charged_rho > 0.0006 and (.repeated | not)'
refused 1 'audience' p freshmart query overlap --with drinkco --where 'drinkco.spend>=99' --json
[ "$(spent drinkco freshmart)" = "$after" ] || fail "a repeated refusal was charged"
holds "$work/out" '.charged_rho == 0 and .repeated'

say "nobody and nothing unknown can be asked"
refused 2 'no question is called' p freshmart query everything --with drinkco
refused 2 'nobody' p freshmart query overlap --with nobody

say "no identifier and no exact size in any log or in the store"
for name in freshmart drinkco; do
    ! grep -qi 'person[0-9]' "$work/$name.log" || fail "an identifier is in $name's log"
    ! grep -rqai 'person[0-9][0-9]*@' "$work/$name" || fail "an identifier is in $name's home"
done

say "an outside client"
client_install
socket=unix:$work/freshmart/planner.sock
ok client "$socket" "$work/freshmart/keys/planner.token" health
ok client "$socket" "$work/freshmart/keys/planner.token" list
grep -q 'patto.planner.v1.Planner' "$work/out" || fail "reflection does not list the planner"
ok client "$socket" "$work/freshmart/keys/planner.token" call Query '{"kind":"overlap","with":"drinkco"}'
grep -q '"status":"VALUE"' "$work/out" || fail "the outside client got no value"
refused 1 UNAUTHENTICATED client "$socket" - call Status
refused 1 UNAUTHENTICATED client "$socket" "$work/drinkco/keys/planner.token" call Status

say "stopping is clean"
stop freshmart
[ "$stopped" -eq 0 ] || fail "freshmart ended with $stopped"
stop drinkco
[ "$stopped" -eq 0 ] || fail "drinkco ended with $stopped"
