#!/bin/sh
# Goal: nodes that do not agree refuse each other by name: another policy, another epoch, no
# budget left, an absent partner, an impostor at a partner's address.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

# Three counts and the padded sizes of two token runs and two epochs; a fourth count does not fit.
fed_budget='{rho: 0.0029, delta: 1e-9, days: 90, daily_rho: 0.0029, lifetime_rho: 1.0}'
federation freshmart drinkco
customers freshmart 0 1500
customers drinkco 500 2000
serve freshmart

say "an absent partner is named"
refused 1 drinkco p freshmart tokenise
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart epoch

say "the budget ends, by clause and line, and nothing more is answered"
for spend in 10 20 30; do
    ok p freshmart query overlap --with drinkco --where "drinkco.spend>=$spend"
done
refused 1 BUDGET_EXHAUSTED p freshmart query overlap --with drinkco --where 'drinkco.spend>=40'
ok p freshmart query overlap --with drinkco --where 'drinkco.spend>=10' # paid for already
grep -q 'privacy.budget, line' "$work/drinkco.log" || fail "drinkco's log does not name the clause"

say "other data since the epoch: refused until there is a new one"
stop drinkco
customers drinkco 400 1900
serve drinkco
refused 1 EPOCH_MISMATCH p freshmart query overlap --with drinkco --where 'drinkco.spend>=10'
ok p drinkco tokenise
ok p drinkco epoch

say "another policy: refused, both hashes named"
stop drinkco
fed_budget='{rho: 0.1, delta: 1e-9, days: 90, daily_rho: 0.1, lifetime_rho: 1.0}'
old=$(sha256sum "$work/policy.yaml" | cut -d' ' -f1)
fed_policy 2 "sha256:$old" freshmart drinkco >"$work/policy2.yaml"
new=$(sha256sum "$work/policy2.yaml" | cut -d' ' -f1)
refused 1 'drinkco' p drinkco join "$work/policy2.yaml" # nobody has signed it
fed_sign "$work/policy2.yaml" freshmart drinkco
ok p drinkco join "$work/policy2.yaml"
refused 1 version p drinkco join "$work/policy.yaml" # and there is no way back
serve drinkco
refused 1 POLICY_MISMATCH p freshmart query overlap --with drinkco --where 'drinkco.spend>=10'
cat "$work/err" "$work/freshmart.log" >"$work/said"
{ grep -q "$old" "$work/said" && grep -q "$new" "$work/said"; } || fail "the two hashes are not named"
stop freshmart
ok p freshmart join "$work/policy2.yaml"
serve freshmart
ok p freshmart epoch
ok p freshmart query overlap --with drinkco --where 'drinkco.spend>=10'

say "an older policy put back by hand is not served"
stop drinkco
newest=$(readlink "$work/drinkco/policy/current")
oldest=$(cd "$work/drinkco/policy" && ls -d 1-*)
ln -sfn "$oldest" "$work/drinkco/policy/current"
refused 1 'joined last' p drinkco serve
ln -sfn "$newest" "$work/drinkco/policy/current"
serve drinkco

say "an impostor at the partner's address is refused by its certificate"
stop drinkco
port=$(sed -n 's/^listen: "\{0,1\}127.0.0.1:\([0-9]*\).*/\1/p' "$work/drinkco/node.yaml")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=drinkco \
    -keyout "$work/fake.key" -out "$work/fake.crt" 2>/dev/null
start impostor openssl s_server -accept "127.0.0.1:$port" -key "$work/fake.key" \
    -cert "$work/fake.crt" -alpn h2 -quiet
sleep 0.5
refused 1 certificate p freshmart query overlap --with drinkco --where 'drinkco.spend>=60'
