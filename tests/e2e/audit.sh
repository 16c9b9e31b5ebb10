#!/bin/sh
# Goal: two nodes' logs verify, by patto and by a second implementation; every way to tamper with one
# is named; a question stands on both sides with one charge, or compare says which does not.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh
export PYTHONDONTWRITEBYTECODE=1

federation freshmart drinkco
customers freshmart 0 3000
customers drinkco 1500 4500
ok p freshmart audit verify
grep -q 'nothing is published yet' "$work/out" || fail "a log that was never signed is not said to be"
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart epoch
ok p freshmart query overlap --with drinkco
ok p freshmart query overlap --with drinkco # again, at no cost
ok p freshmart query crosstab --with drinkco --rows buys --columns drinkco.buys
ok p drinkco query overlap --with freshmart --where 'freshmart.segment=new'
refused 1 'audience' p freshmart query overlap --with drinkco --where 'drinkco.spend>=99'
refused 1 'questions.crosstab.pairs' p freshmart query crosstab --with drinkco --rows segment --columns drinkco.segment

# vkey NAME KIND - the verifier's key of that node's log, from the policy, by Python alone.
vkey() {
    node_hex=$(sed -n "/^  $1:/,/attributes:/s/.*node: ed25519://p" "$work/policy.yaml")
    python3 -c 'import sys; sys.path.insert(0, "tests/tlog"); import tlog
print(tlog.vkey(sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])))' "patto/e2e/$1" "$2" "$node_hex"
}
# published NAME - the sessions are over, and with them the last checkpoint.
published() {
    p "$1" audit verify --json >"$work/verify.json" && jq -e '.good and .events == .published' "$work/verify.json"
}

say "both logs verify beside the running nodes, and by the second implementation"
for name in freshmart drinkco; do
    until_true 10 published "$name" || fail "$name does not publish its events"
    ok python3 tests/tlog/verify.py tree "$work/$name/log" --log "$(vkey "$name" 1)"
    grep -q "good: $(jq .events "$work/verify.json") entries, root $(jq -r .root "$work/verify.json")" "$work/out" ||
        fail "the second implementation found another tree"
done

say "an event's entry opens with its salt, in the second implementation too"
ok p drinkco audit export "$work/for-fresh.json" --for freshmart
ok p freshmart audit export "$work/for-drink.json" --for drinkco
ok python3 tests/tlog/export.py "$work/for-fresh.json" --log "$(vkey drinkco 1)"
refused 1 'not good' python3 tests/tlog/export.py "$work/for-fresh.json" --log "$(vkey freshmart 1)"

say "every question stands on both sides with one charge"
for pair in 'freshmart for-fresh' 'drinkco for-drink'; do
    ok p "${pair% *}" audit compare "$work/${pair#* }.json" --json
    holds "$work/out" '.good and .equal == 4 and (.questions | all(.rho_here == .rho_there))'
done
refused 1 'made for freshmart' p drinkco audit compare "$work/for-fresh.json"

say "show tells what happened, our own file's counts among it, and no answer; a partner sees none of these"
ok p drinkco audit show --json
holds "$work/out" '[.[] | select(.kind == "charge" and .fields.recipient == "freshmart" and .fields.kind == "overlap")] | length == 2'
holds "$work/out" '[.[] | select(.kind == "answered")] | map(.fields.outcome) | sort == ["answered", "answered", "answered", "refused"]'
holds "$work/out" '[.[] | select(.kind == "ingest")] | length == 1 and .[0].fields.customers == "3000"
    and .[0].fields.rows == "3000" and .[0].fields.malformed == "0"'
holds "$work/out" 'all(.[] | select(.kind != "ingest"); .fields | tostring | contains("3000") | not)'
holds "$work/for-fresh.json" 'tostring | (contains("customers=") or contains("3000")) | not'
ok p freshmart audit show --kind asked --since "$(date -u +%F)"
[ "$(grep -c ' asked ' "$work/out")" -eq 4 ] || fail "four questions were asked"
refused 2 '--since' p freshmart audit show --since yesterday

say "a question that only one side has is named"
question=$(jq -r '[.events[] | select(.kind == "charge" and (.fields | contains("kind=overlap")))][0].fields | capture("question=(?<q>[0-9a-f]+)").q' "$work/for-fresh.json")
jq --arg q "$question" '.events |= map(select(.kind != "charge" or (.fields | contains($q) | not)))' \
    "$work/for-fresh.json" >"$work/left-out.json"
refused 1 "question $question" p freshmart audit compare "$work/left-out.json"
jq '.events |= map(if .kind == "charge" then .fields |= sub("rho=0.0006"; "rho=0.0007") else . end)' \
    "$work/for-fresh.json" >"$work/changed.json"
refused 1 'is not in the log of drinkco' p freshmart audit compare "$work/changed.json"
jq '.checkpoint |= sub("\n[0-9]+\n"; "\n999\n")' "$work/for-fresh.json" >"$work/forged.json"
refused 1 "the export's checkpoint" p freshmart audit compare "$work/forged.json"

stop freshmart
stop drinkco
[ "$(sqlite3 "$work/drinkco/state.db" 'PRAGMA integrity_check')" = ok ] || fail "state.db is damaged"
ok p drinkco audit verify
cp -r "$work/drinkco" "$work/whole"
events=$(jq .events "$work/verify.json")

# tampered WHAT SAYS - drinkco was changed: verify says so, and so does a start if it must; then repaired.
tampered() {
    refused 1 "$2" p drinkco audit verify
    refused 1 "$2" p drinkco audit verify --json
    holds "$work/out" '.good == false'
    say "  $1: $(head -c 120 "$work/err")"
    rm -rf "$work/drinkco"
    cp -r "$work/whole" "$work/drinkco"
}
# sql STATEMENTS - behind the node's back, triggers and all.
sql() {
    sqlite3 "$work/drinkco/state.db" "DROP TRIGGER events_kept; DROP TRIGGER events_fixed;
        DROP TRIGGER leaves_kept; DROP TRIGGER leaves_fixed; $1"
}

say "tampering is named"
flip "$work/drinkco/log/tile/0/000.p/$events" 64
tampered "a byte in a tile" 'event 3'
flip "$work/drinkco/log/tile/entries/000.p/$events" 40
tampered "a byte in a bundle" 'event 2'
rm "$work/drinkco/log/tile/0/000.p/$events"
tampered "a tile gone" 'tile/0/000.p'
flip "$work/drinkco/log/checkpoint" 12
tampered "a byte in the checkpoint" 'log/checkpoint'
sql "UPDATE events SET fields = replace(fields, 'rho=', 'rho=1') WHERE kind = 'charge'"
tampered "a charge made larger" 'was changed or removed'
sql "PRAGMA foreign_keys = OFF; DELETE FROM events WHERE sequence = $events"
tampered "the last event gone" "event $events"
sql "PRAGMA foreign_keys = OFF; DELETE FROM leaves WHERE sequence = $events; DELETE FROM events WHERE sequence = $events"
tampered "the last event and its leaf gone" "event $events is the first that is missing"

say "an older state.db, put back, is found and not served from"
serve drinkco
serve freshmart
ok p freshmart query overlap --with drinkco --where 'freshmart.segment=loyal'
until_true 10 published drinkco
more=$(jq .events "$work/verify.json")
stop drinkco
stop freshmart
[ "$more" -gt "$events" ] || fail "a question left no event"
rm -f "$work/drinkco"/state.db-*
cp "$work/whole/state.db" "$work/drinkco/state.db"
refused 1 "event $((events + 1)) is the first that is missing" p drinkco audit verify
refused 1 "event $((events + 1)) is the first that is missing" p drinkco serve

say "a second history is found by its own files, and by the partner's record"
mv "$work/drinkco/log" "$work/first-log"
serve drinkco
serve freshmart
ok p freshmart query overlap --with drinkco --where 'freshmart.segment=lapsed'
ok p freshmart query overlap --with drinkco --where 'freshmart.segment=new'
until_true 10 published drinkco
ok p drinkco audit export "$work/forked.json" --for freshmart
refused 1 'question' p freshmart audit compare "$work/forked.json"
stop drinkco
stop freshmart
rm -rf "$work/drinkco/log"
cp -r "$work/first-log" "$work/drinkco/log"
refused 1 'a fork' p drinkco audit verify
grep -q "event $((events + 1))" "$work/err" || fail "the first event of the fork is not named"
refused 1 'a fork' p drinkco serve

say "tiles that are lost are made again from the store"
rm -rf "$work/drinkco"
cp -r "$work/whole" "$work/drinkco"
rm -rf "$work/drinkco/log/tile"
serve drinkco
ok p drinkco audit verify
ok python3 tests/tlog/verify.py tree "$work/drinkco/log" --log "$(vkey drinkco 1)"

say "a home of the schema before gets its log at the next start"
stop drinkco
sqlite3 "$work/drinkco/state.db" "DROP TABLE leaves; DROP TABLE heads; PRAGMA user_version = 1;
    ALTER TABLE columns DROP COLUMN proved; DROP TABLE proofs; DROP TABLE unproved"
rm -rf "$work/drinkco/log"
refused 1 'older patto' p drinkco audit verify
serve drinkco
ok p drinkco audit verify
grep -q "^events     $events:" "$work/out" || fail "events were lost on the way"

say "the record of processing names what the policy and the record say, and rests on a whole record"
ok p drinkco audit report --art30
for line in '# Record of processing activities' '* Purpose: joint-campaign-planning' \
    'Arrangement (Art. 26): JCA-1' '(Art. 35): DPIA-1' '| segment | category | new, loyal, lapsed |' \
    '| spend | number | 0 to 500 EUR |' "$(sha256sum "$work/policy.yaml" | cut -d' ' -f1)" \
    '* Contact: (not stated in the policy)'; do
    grep -qF -- "$line" "$work/out" || fail "the report does not say: $line"
done
ok p drinkco audit report --art30 --json
# Two overlaps, one of them refused, a crosstab; with the padded sizes of tokens and epoch.
holds "$work/out" '.recipients[0] | .name == "freshmart" and .questions_answered == 4 and .questions_asked == 1'
charged=$(jq '[.events[] | select(.kind == "charge") | .fields | capture("rho=(?<r>[0-9.]+)").r | tonumber] | add' "$work/for-fresh.json")
holds "$work/out" ".recipients[0].rho_charged | tonumber - $charged | fabs < 1e-12"
holds "$work/out" '.integrity.events >= .integrity.entries and (.integrity.root | length) == 64'
stop drinkco
sql "UPDATE events SET kind = 'other' WHERE sequence = 2"
refused 1 'event 2' p drinkco audit report --art30
refused 2 'art30' p drinkco audit report
