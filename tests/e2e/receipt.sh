#!/bin/sh
# receipt.sh - each answer has a proof that verifies with the policy alone, by patto and by another
# implementation; partners watch over each other's logs, and notice a home that was replaced by an
# older copy of itself.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh
export PYTHONDONTWRITEBYTECODE=1

vkey() { # NAME KIND - the partner's key as C2SP writes it; KIND 1: of its log, 4: as a witness
    python3 - "patto/e2e/$1" "$2" "$(sed -n 's/.*node: ed25519:\([0-9a-f]*\).*/\1/p' "$work/$1.block")" <<'PY'
import base64, hashlib, sys
name, kind, key = sys.argv[1], bytes([int(sys.argv[2])]), bytes.fromhex(sys.argv[3])
ident = hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:4]
print(f"{name}+{ident.hex()}+{base64.b64encode(kind + key).decode()}")
PY
}
receipt_of() { # FILE - what `query --json` said, to the path of its first receipt
    printf '%s/receipts/%s' "$work/ada" "$(jq -r '.receipts[0]' "$1")"
}
cosigned_by() { # OWNER WITNESS
    p "$1" audit verify --json | jq -e --arg by "$2" \
        '.cosigned | map(.by) | index($by) != null' >/dev/null
}

federation ada bea cleo
customers ada 0 3000
customers bea 1000 4000
customers cleo 2000 5000
for name in ada bea cleo; do serve "$name"; done
for name in ada bea cleo; do ok p "$name" tokenise; done
ok p ada epoch

say 'an answer has a receipt'
ok p ada query overlap --with bea --json
cp "$work/out" "$work/answer"
receipt=$(receipt_of "$work/answer")
ok "$patto" audit receipt "$receipt" --policy "$work/policy.yaml" --json
holds "$work/out" '.good and .owner == "bea" and .asker == "ada" and .signed_by == ["bea", "ada"]
    and .event.kind == "overlap" and .event.charged == "0.000625039"'
[ "$(jq -r .event.dataset "$work/out")" = "$(jq -r '.other_data | ltrimstr("sha256:")' "$work/answer")" ] ||
    fail 'of other data'
[ "$(jq -r .policy "$work/out")" = "$(jq -r .policy "$work/answer")" ] || fail 'another policy'
ok p ada audit receipt "$receipt" --answer "$work/answer"
grep -q 'the receipt is that of this answer' "$work/out" || fail 'it is not'
jq '.answers[0].hash |= sub("^."; "x")' "$work/answer" >"$work/other-answer"
refused 1 'of another answer: answer hash' p ada audit receipt "$receipt" --answer "$work/other-answer"
ok p cleo audit receipt "$receipt"
grep -q '^bea answered ada on ' "$work/out" || fail 'in words'
ok p ada query overlap --with bea --json
[ "$(receipt_of "$work/out")" = "$receipt" ] || fail 'the same question has another receipt'
cp "$work/out" "$work/again"
ok p ada audit receipt "$receipt" --answer "$work/again"
grep -q 'repeats an answer that was paid before' "$work/out" || fail 'a repeated answer'

say 'another implementation says the same'
again() { # FILE POLICY WITNESS
    python3 tests/tlog/verify.py receipt "$1" --policy "$2" --log "$(vkey bea 1)" --witness "$(vkey "$3" 4)"
}
ok again "$receipt" "$work/policy.yaml" ada
[ "$(cat "$work/out")" = "good: patto/e2e/bea answered ada, answer $(p ada audit receipt "$receipt" --json | jq -r .event.answer)" ] ||
    fail 'the second implementation found another answer'
refused 1 'under another policy' again "$receipt" "$work/ada.block" ada
refused 1 'not signed by who asked' again "$receipt" "$work/policy.yaml" cleo

say 'reach: a receipt of each partner'
ok p ada query reach --with bea --with cleo --json
holds "$work/out" '.receipts | length == 2 and (.[0] | startswith("bea-")) and (.[1] | startswith("cleo-"))'
cp "$work/out" "$work/reached"
for name in $(jq -r '.receipts[]' "$work/reached"); do
    ok "$patto" audit receipt "$work/ada/receipts/$name" --policy "$work/policy.yaml" \
        --answer "$work/reached" --json
    holds "$work/out" '.event.kind == "reach"'
done

ok p ada audit receipts --json
holds "$work/out" 'length == 3 and all(.[]; .state == "good") and (map(.kind) | sort) == ["overlap", "reach", "reach"]'
ok p bea audit receipts
grep -q '^0 good, 0 outstanding, 0 not good' "$work/out" || fail 'bea never asked'

say 'what is not that receipt is named'
sed 's/^index .*/index 1/' "$receipt" >"$work/other-place"
refused 1 'not the one at its place' p ada audit receipt "$work/other-place"
ok p ada audit receipt "$receipt" --quorum
grep -v "patto/e2e/ada" "$receipt" >"$work/unsigned"
refused 1 'it is the word of bea alone' p ada audit receipt "$work/unsigned"
fed_policy 2 "sha256:$(sha256sum "$work/policy.yaml" | cut -d' ' -f1)" ada bea cleo >"$work/policy-2.yaml"
refused 1 'under another policy' "$patto" audit receipt "$receipt" --policy "$work/policy-2.yaml"
refused 1 'not a transparency log proof' p ada audit receipt "$work/policy.yaml"

say 'the witnesses of the policy sign every log'
for owner in bea cleo; do
    until_true 20 cosigned_by "$owner" ada || fail "ada has not signed the log of $owner"
done
until_true 20 cosigned_by ada bea || fail 'bea has not signed the log of ada'
until_true 20 cosigned_by cleo bea || fail 'bea has not signed the log of cleo'
ok p bea audit verify
! grep -q '^missing' "$work/out" || fail 'a witness is missing'
grep -q '^quorum     1 of the 1 witnesses' "$work/out" || fail 'the quorum of audit.witnesses less oneself'
both_have_signed() { p cleo audit verify --json | jq -e '.quorum == {needed: 2, had: 2}' >/dev/null; }
until_true 20 both_have_signed || fail 'of two witnesses two have to sign the log of a third partner'
ok p bea status --json
holds "$work/out" '.log.published > 0 and .log.witnesses_needed == 1 and .log.witnesses_signed == 1'
ok p bea doctor --offline
grep -q '1 have signed' "$work/out" || fail 'doctor does not see the witness'

say 'a receipt that could not be fetched is fetched later'
ok p ada audit receipt "$receipt" --json
answer=$(jq -r .event.answer "$work/out")
for name in ada bea cleo; do stop "$name"; done
rm "$receipt"
printf '%s' "$answer" >"${receipt%.tlog-proof}.pending"
flip() { # FILE - one bit of its 200th byte
    python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(200); b = f.read(1)[0]; f.seek(200); f.write(bytes([b ^ 1]))' "$1"
}
other="$work/ada/receipts/$(jq -r '.receipts[1]' "$work/reached")"
flip "$other"
refused 1 '1 of the receipts are not good' p ada audit receipts
grep -q '^1 good, 1 outstanding, 1 not good' "$work/out" || fail 'they are not counted'
grep -q '^not good' "$work/out" || fail 'the changed one is not named'
flip "$other"
serve bea
serve ada
until_true 20 test -s "$receipt" || fail 'it does not come'
ok p ada audit receipt "$receipt"
[ ! -e "${receipt%.tlog-proof}.pending" ] || fail 'it is still outstanding'

say 'and by nobody else, who knows its question and its hash'
name=$(basename "$receipt" .tlog-proof)
mkdir -m 700 "$work/cleo/receipts"
printf '%s' "$answer" >"$work/cleo/receipts/$name.pending"
serve cleo
until_true 20 grep -q 'no such answer was given to cleo' "$work/bea.log" || fail 'bea does not refuse'
stop cleo
[ ! -e "$work/cleo/receipts/$name.tlog-proof" ] || fail 'cleo has the receipt of ada'
stop ada
stop bea

say 'a home replaced by an older copy of itself is noticed by who has seen more'
cp -a "$work/bea" "$work/bea.older"
serve bea
serve ada
ok p ada query overlap --with bea --where segment=loyal --json
until_true 20 cosigned_by bea ada || fail 'ada has not signed'
stop ada
stop bea
rm -rf "$work/bea"
mv "$work/bea.older" "$work/bea"
serve ada # first, for bea asks half a second after it is there, and then once a minute
serve bea
until_true 20 grep -q 'was this home restored from an older copy' "$work/bea.log" || fail 'bea is not told'
until_true 20 grep -q 'WITNESS: the log of bea does not continue what was seen of it (rollback)' "$work/ada.log" ||
    fail 'ada does not notice'
ok p ada audit show --kind witness --json
holds "$work/out" 'length > 0 and .[0].fields.peer == "bea" and .[0].fields.what == "rollback"'
# Its new answers have no receipt that ada signs.
ok p ada query overlap --with bea --where segment=lapsed --json
holds "$work/out" '.receipts == []'
