#!/bin/sh
# Goal: who is forgotten is out of every later epoch, can be shown to be, stays out of what is
# ingested later, and is named nowhere. A kill at any moment leaves a home that works.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

have() { p freshmart status --json | jq -e ".customers == $1" >/dev/null; }
epoch_number() { p freshmart status --json | jq .epoch; }
absent() { p freshmart audit absence "$@"; }
sha() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
event() { sqlite3 "$work/freshmart/state.db" "SELECT fields FROM events WHERE kind = 'forget' ORDER BY sequence DESC LIMIT 1"; }

federation freshmart drinkco
customers freshmart 0 3000
customers drinkco 1000 4000
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart epoch
first=$(epoch_number)
ok p freshmart query overlap --with drinkco --json
cell "$work/out" overlap 'freshmart & drinkco' 2000

say 'a list with a bad line, and a running node: nothing happens'
printf 'Person1500@Example.com\nperson10@example.com\n\nperson9999@example.com\n' >"$work/list"
printf 'person1500@example.com\nnobody at all\n' >"$work/bad"
refused 1 'another patto' p freshmart forget "$work/list"
stop freshmart
find "$work/freshmart/vault" -type f -exec sha256sum {} + | sort >"$work/before"
refused 1 'line 2: not an identifier' p freshmart forget "$work/bad"
refused 2 'not both' p freshmart forget "$work/list" --encoding raw --map "$work/freshmart.map"
: >"$work/nobody"
refused 1 'names nobody' p freshmart forget "$work/nobody"
find "$work/freshmart/vault" -type f -exec sha256sum {} + | sort | cmp -s - "$work/before" ||
    fail 'a refused list changed the vault'
! grep -qi 'person\|nobody at all' "$work/err" || fail 'an error shows a line'

say 'forgotten: out of the data and of the next epoch'
ok p freshmart forget "$work/list" --json
holds "$work/out" '. == {people: 3, removed: 2, not_customers: 1, customers: 2998}'
have 2998 || fail 'two were not removed'
event | grep -qE '^dataset=[0-9a-f]{16} commitment=[0-9a-f]{64}$' || fail "the event says: $(event)"
serve freshmart
refused 1 'epoch' p freshmart query overlap --with drinkco
ok p freshmart epoch
second=$(epoch_number)
[ "$second" -gt "$first" ] || fail 'no new epoch'
ok p freshmart query overlap --with drinkco --json
cell "$work/out" overlap 'freshmart & drinkco' 1999

say 'what we spent there is what they charged us'
ok p drinkco budget show --json
charged=$(jq '.partners[] | select(.partner == "freshmart") | .charged_for[] | select(.kind == "overlap") | .rho' "$work/out")
ok p freshmart budget show --json
holds "$work/out" ".partners[] | select(.partner == \"drinkco\") | .asked_by_us_rho > 0 and (.asked_by_us_rho - $charged | fabs) < 1e-12"

say 'absence: proved for the new epoch, presence stated for the old one, beside the running node'
ok absent "$work/list" --epoch "$second" --json
holds "$work/out" '.root_matches and .people == 3 and .absent == 3 and .absent_by_token == 2
    and .present_lines == [] and .signed_by == ["drinkco", "freshmart"]'
refused 1 'lines 1, 2' absent "$work/list" --epoch "$first" --json
holds "$work/out" '.root_matches and .absent == 1 and .present_lines == [1, 2]'
grep . "$work/list" | tr '[:upper:]' '[:lower:]' | while read -r line; do sha "$line"; done >"$work/hashed"
ok absent "$work/hashed" --encoding sha256-hex --epoch "$second"
grep -q '3 of 3 people are not in it: 2 by digest and by token, 1 by digest alone' "$work/out" ||
    fail 'hashed identifiers are not the same people'
refused 1 'lines 1, 2' absent "$work/hashed" --encoding sha256-hex --epoch "$first"
refused 1 'in no epoch' absent "$work/list" --epoch 1
refused 1 'line 2' absent "$work/bad" --epoch "$second"
echo person20@example.com >"$work/stays"
refused 1 'line 1' absent "$work/stays" --epoch "$second"

say 'nobody is named: no digest of theirs lies about in the open'
in_the_open() { # DIGEST FOLDER - as text or as bytes
    node -e '
        const fs = require("fs"), path = require("path");
        const [hex, top] = process.argv.slice(1), raw = Buffer.from(hex, "hex");
        const holds = file => { const b = fs.readFileSync(file); return b.includes(raw) || b.includes(hex); };
        const walk = dir => fs.readdirSync(dir, {withFileTypes: true}).some(e => {
            const at = path.join(dir, e.name);
            return e.isDirectory() ? walk(at) : e.isFile() && holds(at);
        });
        process.exit(walk(top) ? 0 : 1);' "$1" "$2"
}
mkdir "$work/control"
while read -r digest; do
    node -e 'process.stdout.write(Buffer.from(process.argv[1], "hex"))' "$digest" >"$work/control/bytes"
    in_the_open "$digest" "$work/control" || fail 'the search finds nothing'
    ! in_the_open "$digest" "$work/freshmart" || fail 'a digest lies in the open'
done <"$work/hashed"
! grep -rqiE 'person(1500|10|9999)@' "$work/freshmart" "$work/freshmart.log" || fail 'an identifier was written'

say 'a later ingest of the same file keeps them out; --undo lets one in again'
stop freshmart
ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map" --json
holds "$work/out" '.customers == 2998 and .rows_forgotten == 2'
echo person10@example.com >"$work/back"
ok p freshmart forget --undo "$work/back" --json
holds "$work/out" '. == {people: 1, taken_back: 1, not_on_the_list: 0, customers: null}'
have 2998 || fail 'undo brought somebody back by itself'
ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map" --json
holds "$work/out" '.customers == 2999 and .rows_forgotten == 1'

say 'a list that was lost or put back is noticed before anybody comes back'
cp "$work/freshmart/vault/forgotten.vault" "$work/older"
ok p freshmart forget "$work/stays"
cp "$work/freshmart/vault/forgotten.vault" "$work/newest"
cp "$work/older" "$work/freshmart/vault/forgotten.vault"
refused 1 'an older copy' p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
rm "$work/freshmart/vault/forgotten.vault"
refused 1 'forget --rebuild' p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
refused 1 'forget --rebuild' p freshmart forget "$work/stays"
cp "$work/newest" "$work/freshmart/vault/forgotten.vault"
ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
have 2998 || fail 'the newest list is not honoured'
rm "$work/freshmart/vault/forgotten.vault"
cat "$work/list" "$work/stays" >"$work/everybody"
ok p freshmart forget --rebuild "$work/everybody"
ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
have 2997 || fail 'a list made anew is not honoured'

say 'kill -9 in the middle: the old people or the new, and the next run finishes'
now_ms() { date +%s%3N; }
awk 'BEGIN {for (n = 100; n < 200; n++) printf "person%d@example.com\n", n}' >"$work/hundred"
began=$(now_ms)
ok p freshmart forget "$work/hundred"
took=$(($(now_ms) - began))
have 2897 || fail 'a hundred were not removed'
for part in 1 2 3 4 5 6 7 8 9 10; do
    ok p freshmart forget --undo "$work/hundred"
    ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
    have 2997 || fail 'the hundred are not back'
    "$patto" --home "$work/freshmart" forget "$work/hundred" >"$work/out" 2>"$work/err" </dev/null &
    child=$!
    sleep "$(awk -v ms="$took" -v n=$part 'BEGIN {print ms * n / 10000}')"
    kill -s KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    have 2997 || have 2897 || fail "after kill $part the vault holds something else"
    ok p freshmart doctor --offline
    ok p freshmart forget "$work/hundred"
    have 2897 || fail "after kill $part the next run does not finish"
done

say 'cut short between the list and the data: no epoch takes those people in'
cp "$work/freshmart/vault/forgotten.vault" "$work/with-the-hundred"
ok p freshmart forget --undo "$work/hundred"
ok p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"
cp "$work/with-the-hundred" "$work/freshmart/vault/forgotten.vault"
serve freshmart
refused 1 'was cut short' p freshmart epoch
stop freshmart
cat "$work/everybody" "$work/hundred" >"$work/all-of-them"
ok p freshmart forget --rebuild "$work/all-of-them"
have 2897 || fail 'forgetting again does not finish it'
serve freshmart
ok p freshmart tokenise
ok p freshmart epoch
ok absent "$work/hundred" --epoch "$(epoch_number)" --json
holds "$work/out" '.absent == 100'

say 'an epoch of a former policy is checked under that policy; a record that was changed proves nothing'
third=$(epoch_number)
stop freshmart
stop drinkco
fed_policy 2 "sha256:$(sha256sum "$work/policy.yaml" | cut -d' ' -f1)" freshmart drinkco >"$work/two.yaml"
fed_sign "$work/two.yaml" freshmart drinkco
ok p freshmart join "$work/two.yaml"
ok absent "$work/hundred" --epoch "$third"
refused 1 'lines 1, 2' absent "$work/list" --epoch "$first"
record=$work/freshmart/vault/committed-$(absent "$work/hundred" --epoch "$third" --json | jq -r .dataset).vault
cp "$record" "$work/record"
flip "$record" 5000
refused 1 'epoch' absent "$work/hundred" --epoch "$third"
rm "$record"
refused 1 'legal.retention_days' absent "$work/hundred" --epoch "$third"
cp "$work/record" "$record"
ok absent "$work/hundred" --epoch "$third"
say passed
