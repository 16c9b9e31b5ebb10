#!/bin/sh
# cli.sh - the command line from an empty folder to loaded customers, as a new user meets it; and
# our signatures against Debian's minisign, both ways.
. tests/e2e/lib.sh
. tests/e2e/two-partners.inc

say 'help, manual page, completions'
ok "$patto" --help
for command in init officer-key 'policy sign' 'policy check' join ingest status doctor; do
    grep -q "^  $command" "$work/out" || fail "--help does not list $command"
done
ok "$patto" --help
sed -n 's/^  \([a-z][a-z-]*\( [a-z][a-z-]*\)\{0,1\}\) .*/\1/p' "$work/out" >"$work/commands"
while read -r command; do
    # shellcheck disable=SC2086 # two words
    ok "$patto" $command --help
    grep -q '^example:' "$work/out" || fail "$command --help has no example"
    ! grep -E '.{81}' "$work/out" || fail "$command --help is wider than 80 columns"
done <"$work/commands"
refused 2 'did you mean' "$patto" statsu
refused 2 'lists them' "$patto"
ok "$patto" --version
ok "$patto" completion bash
bash -n "$work/out"
cat >"$work/complete.sh" <<'SH'
. "$1"
COMP_WORDS=(patto policy sig) COMP_CWORD=2; _patto; echo "${COMPREPLY[*]}"
COMP_WORDS=(patto --home x ingest --m) COMP_CWORD=4; _patto; echo "${COMPREPLY[*]}"
COMP_WORDS=(patto offi) COMP_CWORD=1; _patto; echo "${COMPREPLY[*]}"
COMP_WORDS=(patto query aff) COMP_CWORD=2; _patto; echo "${COMPREPLY[*]}"
SH
bash "$work/complete.sh" "$work/out" >"$work/completed"
printf 'sign\n--map\nofficer-key\naffinity\n' | cmp - "$work/completed" || fail 'completion'
ok "$patto" man
! command -v man >/dev/null 2>&1 || man --warnings -l "$work/out" >/dev/null 2>"$work/man.err" ||
    fail 'the manual page does not format'

say 'init and keys'
partners
[ "$(stat -c %a "$work/fresh" "$work/fresh/keys/node.key" "$work/fresh.key" | tr '\n' ' ')" = '700 600 600 ' ] ||
    fail 'modes of home and keys'
refused 1 'is not empty' "$patto" init "$work/fresh" --name fresh --listen 127.0.0.1:1
refused 1 'never overwritten' "$patto" officer-key "$work/fresh.key" --no-password
refused 2 '--listen HOST:PORT is missing' "$patto" init "$work/x" --name x
refused 2 'a name is 1..32' "$patto" init "$work/x" --name X --listen 127.0.0.1:1
refused 2 'on this machine' "$patto" init "$work/x" --name x --listen h:1 --planner h:2
refused 1 'no terminal' setsid -w "$patto" officer-key "$work/y.key"
openssl x509 -in "$work/fresh/keys/tls.crt" -outform DER | sha256sum | cut -d' ' -f1 >"$work/pin"
grep -q "sha256:$(cat "$work/pin")" "$work/fresh.block" || fail 'the block pins another certificate'

say 'policy: signed by ours and by minisign'
p=$work/policy.yaml
policy "$p" 1 '' "$(day '-1 day')" "$(day '+90 days')"
refused 1 'would not run yet: 0 of 2' "$patto" policy check "$p"
ok "$patto" policy sign "$p" --key "$work/fresh.key" --as fresh
minisign -Vm "$p" -x "$p.fresh.minisig" -p "$work/fresh.key.pub" >/dev/null ||
    fail 'minisign does not verify our signature'
refused 1 "drink's is missing" "$patto" policy check "$p" --json
holds "$work/out" '.would_run == false and ([.partners[].signature] == ["missing", "signed"])'
refused 1 "use that key" "$patto" policy sign "$p" --key "$work/fresh.key" --as drink
refused 2 'no such partner' "$patto" policy sign "$p" --key "$work/fresh.key" --as nobody
minisign -Sm "$p" -s "$work/drink.key" -x "$p.drink.minisig" -W >/dev/null 2>&1 </dev/null ||
    fail 'minisign cannot use our key'
ok "$patto" policy check "$p" --json
holds "$work/out" '.would_run and .version == 1 and .questions == ["overlap", "crosstab"]'
ok "$patto" policy check "$p"

say 'join, ingest, status, doctor'
refused 1 'no policy is in force' "$patto" --home "$work/fresh" ingest "$p" --map "$p"
ok "$patto" --home "$work/fresh" join "$p"
ok env PATTO_HOME="$work/fresh" "$patto" join "$p"
grep -q 'in force already' "$work/out" || fail 'joining twice'
cat >"$work/map.yaml" <<'YAML'
patto-map: 1
form: wide
identifier: {column: email}
attributes: {segment: {column: status}}
YAML
{
    echo 'email,status'
    seq 1 500 | sed 's/.*/ User&@Example.org,new/'
} >"$work/customers.csv"
ok "$patto" --home "$work/fresh" ingest "$work/customers.csv" --map "$work/map.yaml" --json
holds "$work/out" '.customers == 500 and .rows == 500 and .malformed.count == 0'
ok "$patto" --home "$work/fresh" status --json
holds "$work/out" '.customers == 500 and .policy.in_force and .running == false and .audit.events == 2'
ok "$patto" --home "$work/fresh" status
! grep -rqi 'user1@example' "$work/fresh" || fail 'an identifier is in the home'
ok "$patto" --home "$work/fresh" doctor --offline
ok "$patto" --home "$work/fresh" doctor --json
holds "$work/out" '[.[] | select(.verdict == "fail")] == [] and ([.[].check] | index("partner")) != null'
ok "$patto" --home "$work/fresh" status --partner
cmp "$work/out" "$work/fresh.block" || fail 'status --partner'

say 'a map to start from is a map'
ok "$patto" --home "$work/fresh" map
cp "$work/out" "$work/starter.yaml"
printf 'email,segment\na@example.org,new\nb@example.org,loyal\n' >"$work/starter.csv"
cp -r "$work/fresh" "$work/copy"
ok "$patto" --home "$work/copy" ingest "$work/starter.csv" --map "$work/starter.yaml" --json
ok "$patto" --home "$work/copy" map --form long
grep -q '^form: long' "$work/out" || fail 'the long form'
cp "$work/out" "$work/starter.yaml"
ok "$patto" --home "$work/copy" ingest "$work/starter.csv" --map "$work/starter.yaml"
refused 2 'wide or long' "$patto" --home "$work/copy" map --form tall
printf 'patto-map: 1\nform: wide\n' >"$work/starter.yaml"
refused 1 'these keys are missing: identifier, attributes' \
    "$patto" --home "$work/copy" ingest "$work/starter.csv" --map "$work/starter.yaml"
rm -rf "$work/copy"

say 'the next version'
p2=$work/policy2.yaml
policy "$p2" 2 "$(hash_of "$p")" "$(day '-1 day')" "$(day '+90 days')" 'new, loyal, lapsed'
sign_both "$p2"
ok "$patto" --home "$work/fresh" join "$p2"
grep -q 'ingest again' "$work/err" || fail 'changed attributes are not told'
ok "$patto" --home "$work/fresh" status --json
holds "$work/out" '.policy.version == 2 and .audit.events == 3'
say passed
