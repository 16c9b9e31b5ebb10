#!/bin/sh
# freeze.sh - one officer stops a federation: all nodes within a message, whatever they were asked;
# nothing is charged afterwards, all can still be read, and only a new version lifts it.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

all='ada bea cleo'
stopped() { # NAME
    p "$1" status --json | jq -e '.policy.stopped != null and (.policy.in_force | not)' >/dev/null
}
nobody_stopped() {
    for name in $all; do
        ! stopped "$name" || fail "$name is stopped"
    done
}

# shellcheck disable=SC2086 # a list of words
federation $all
customers ada 0 3000
customers bea 1000 4000
customers cleo 2000 5000
for name in $all; do serve "$name"; done
for name in $all; do ok p "$name" tokenise; done
ok p ada epoch
ok p ada query overlap --with bea --json
before=$(spent bea ada)

say 'who is no officer, or says no reason, stops nobody'
refused 2 'give --key FILE' p ada policy freeze --key "$work/ada.officer" --as ada
refused 2 'give --key FILE' p ada policy freeze
refused 1 "use that key" p ada policy freeze --key "$work/ada.officer" --as bea --reason 'in her name'
refused 1 'the reason is one line' p ada policy freeze --key "$work/ada.officer" --as ada --reason ''
ok "$patto" policy freeze "$work/policy.yaml" --key "$work/bea.officer" --as bea \
    --reason 'a backup was stolen'
statement=$work/policy.yaml.freeze
sed 's/stolen/found again/' "$statement" >"$work/forged"
refused 1 "the signature of bea's officer" p ada policy freeze --statement "$work/forged"
nobody_stopped

say "one officer, at one node: all stop at once"
ok p ada policy freeze --statement "$statement"
grep -q "is frozen by bea's officer" "$work/out" || fail 'it says by whom'
grep -q 'The node has stopped and tells the partners' "$work/err" || fail 'it says what happens'
for name in $all; do
    until_true 20 stopped "$name" || fail "$name has not stopped"
done
for command in tokenise epoch 'query overlap --with bea' 'query reach --with bea'; do
    for name in ada cleo; do
        # shellcheck disable=SC2086 # words
        refused 1 "bea's officer stopped this policy" p "$name" $command
        grep -q 'a backup was stolen' "$work/err" || fail 'it says why'
    done
done
[ "$(spent bea ada)" = "$before" ] || fail 'something was charged afterwards'
ok p cleo status
grep -q "STOPPED: bea's officer stopped this policy on .* UTC: a backup was stolen\. " "$work/out" ||
    fail 'status says who, when and why'
refused 1 '' p bea doctor --offline --json
holds "$work/out" '[.[] | select(.check == "stop" and .verdict == "fail")] | length == 1'

say 'what is on record can still be read'
for name in $all; do
    ok p "$name" audit verify
    ok p "$name" audit show --kind freeze --json
    holds "$work/out" 'length == 1 and .[0].fields.officer == "bea"'
    ok p "$name" budget show
done
ok cmp "$statement" "$work/cleo/policy/current/policy.yaml.freeze"

say 'a start does not lift it, and a node that was away hears of it'
for name in $all; do stop "$name"; done
rm "$work/bea/policy/current/policy.yaml.freeze" # as if it had been away
serve ada
serve bea
# From whoever it speaks to first: who is asked, or, if its log is cosigned before, the witness. Either says
# "has stopped the policy" and then it knows: "bea's officer stopped this policy".
refused 1 'stopped th' p bea query overlap --with ada
stopped bea || fail 'bea was not told'
refused 1 "bea's officer stopped this policy" p bea query overlap --with ada
ok p ada audit show --kind freeze --json
holds "$work/out" 'length == 1'
for name in ada bea; do stop "$name"; done

say 'a damaged statement stops too'
echo rubbish >"$work/cleo/policy/current/policy.yaml.freeze"
serve cleo
refused 1 "that is no officer's" p cleo query overlap --with ada
stop cleo

say 'only a new version lifts it, and one officer alone does not sign it'
previous=sha256:$(sha256sum "$work/policy.yaml" | cut -d' ' -f1)
# shellcheck disable=SC2086 # a list of words
fed_policy 2 "$previous" $all | sed 's/minimum_count: 50/minimum_count: 60/' >"$work/policy-2.yaml"
fed_sign "$work/policy-2.yaml" ada
refused 1 'the policy in force is frozen' p ada join "$work/policy-2.yaml"
fed_sign "$work/policy-2.yaml" bea cleo
for name in $all; do
    ok p "$name" join "$work/policy-2.yaml"
    grep -q "stop of the version before is lifted" "$work/err" || fail 'join says so'
done
for name in $all; do serve "$name"; done
nobody_stopped
for name in $all; do ok p "$name" tokenise; done
ok p ada epoch
ok p ada query overlap --with bea --json
# The old statement is about the old version.
refused 1 'another policy than the one in force' p ada policy freeze --statement "$statement"
ok p ada audit show --kind thaw --json
holds "$work/out" 'length == 1 and .[0].fields.version == "2"'
