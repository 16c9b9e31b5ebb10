#!/bin/sh
# The planner service as anyone's gRPC client sees it, over a Unix socket and over loopback TCP, and
# the partners' port as a stranger sees it.
. tests/e2e/lib.sh
client_install

# shellcheck disable=SC2046 # two words on purpose
set -- $(free_ports 3)
alpha_port=$1
beta_port=$2
planner_port=$3
ok "$patto" init "$work/alpha" --name alpha --listen "127.0.0.1:$alpha_port" --planner unix
cp "$work/out" "$work/block.alpha"
ok "$patto" init "$work/beta" --name beta --listen "127.0.0.1:$beta_port" \
    --planner "127.0.0.1:$planner_port"
cp "$work/out" "$work/block.beta"
block() { # NAME - what init printed, with officer and attributes filled in
    echo "  $1:"
    sed -n '/^ *endpoint:/p; /^ *certificate:/p; /^ *node:/p' "$work/block.$1"
    echo "    officer: $(tail -n 1 "$work/$1.officer.pub")"
    echo '    customers: {min: 1, max: 1000000}'
    echo '    attributes: {tier: {type: category, values: [low, high]}}'
}
for name in alpha beta; do
    ok "$patto" officer-key "$work/$name.officer" --no-password
done
{
    echo 'patto: 1'
    echo 'federation: outside'
    echo 'version: 1'
    echo 'purpose: joint-campaign-planning'
    echo 'legal: {basis: consent, arrangement: T-1, dpia: T-2, contact: privacy@example.org, retention_days: 30}'
    echo "valid: {from: $(date -u -d '-1 day' +%F), until: $(date -u -d '+90 days' +%F)}"
    echo 'match: {identifier: email, normalisation: uid2, slots_per_customer: 4}'
    echo 'partners:'
    block alpha
    block beta
    echo 'questions: {overlap: {ask: any, filters: [alpha.tier]}}'
    echo 'privacy:'
    echo '  unit: person'
    echo '  minimum_count: 100'
    echo '  minimum_audience: 1000'
    echo '  budget: {rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.02, lifetime_rho: 1.0}'
    echo '  cost: {count_rho: 0.0005, table_rho: 0.002}'
    echo 'audit: {witnesses: [alpha, beta], quorum: all}'
} >"$work/policy.yaml"
for name in alpha beta; do
    ok "$patto" policy sign "$work/policy.yaml" --key "$work/$name.officer" --as "$name"
done
for name in alpha beta; do
    ok "$patto" --home "$work/$name" join "$work/policy.yaml"
    start "$name" "$patto" --home "$work/$name" serve
done

say 'the planner service'
printf '%064d\n' 0 >"$work/wrong.token"
for name in alpha beta; do
    at=unix:$work/alpha/planner.sock
    [ "$name" = alpha ] || at=127.0.0.1:$planner_port
    token=$work/$name/keys/planner.token
    until_true 20 client "$at" - health || fail "$name never became healthy at $at"
    ok client "$at" - health
    holds "$work/out" '.status == "SERVING"'
    ok client "$at" - health patto.planner.v1.Planner
    holds "$work/out" '.status == "SERVING"'
    refused 1 NOT_FOUND client "$at" - health no.such.Service

    # Without the token, or with another, nothing but health.
    for shown in - "$work/wrong.token"; do
        refused 1 UNAUTHENTICATED client "$at" "$shown" call Status
        refused 1 UNAUTHENTICATED client "$at" "$shown" list
    done
    ok client "$at" "$token" list
    grep -qx '"patto.planner.v1.Planner"' "$work/out" || fail 'the planner service is not listed'
    ! grep -q Federation "$work/out" || fail "the partners' service is listed to planners"
    ok client "$at" "$token" list v1alpha
    for way in call reflected; do
        ok client "$at" "$token" "$way" Status
        holds "$work/out" ".self == \"$name\" and .federation == \"outside\" and .customers == 0"
        holds "$work/out" '.policy_version == 1 and (.partners | length) >= 1'
    done
    # A failure keeps its sentence, and its gRPC status: this node has no data yet.
    refused 1 '"status"' client "$at" "$token" call Query '{"kind":"overlap","with":"nobody"}'
    grep -q nobody "$work/err" || fail 'the refusal does not name the unknown partner'
done

say "the partners' port"
refused 1 '"status"' client "127.0.0.1:$alpha_port" "$work/alpha/keys/planner.token" call Status
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=beta \
    -keyout "$work/stranger.key" -out "$work/stranger.crt" 2>"$work/err"
# HTTP/2 begins with the server's SETTINGS frame: a partner gets it, a stranger must not.
bytes_for() { # CERTIFICATE KEY
    (sleep 1) | openssl s_client -quiet -alpn h2 -connect "127.0.0.1:$alpha_port" -cert "$1" \
        -key "$2" 2>/dev/null | wc -c
}
[ "$(bytes_for "$work/beta/keys/tls.crt" "$work/beta/keys/tls.key")" -gt 0 ] ||
    fail 'a partner gets no HTTP/2'
[ "$(bytes_for "$work/stranger.crt" "$work/stranger.key")" -eq 0 ] ||
    fail 'a stranger gets HTTP/2'
until_true 5 grep -q 'is not in the policy' "$work/alpha.log" || fail 'the stranger is not logged'

say 'a second daemon, and the end'
refused 1 'patto' "$patto" --home "$work/alpha" serve
for name in alpha beta; do
    running "$name" || fail "$name is gone"
    stop "$name"
    [ "$stopped" -eq 0 ] || fail "$name ended with status $stopped"
done
[ ! -e "$work/alpha/planner.sock" ] || fail 'the socket is left behind'
say 'all as it should be'
