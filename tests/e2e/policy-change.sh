#!/bin/sh
# policy-change.sh - from one version of a policy to the next: what `policy diff` says is what nodes
# do. One officer tightens, all loosen, whoever leaves signs for itself, and two partners who
# tightened apart from each other come together again.
. tests/e2e/lib.sh
. tests/e2e/two-partners.inc

from=$(day '-1 day')
until=$(day '+90 days')
sooner=$(day '+80 days')

# follow FILE VERSION OLD UNTIL [VALUES] - a version that names OLD as the file before it.
follow() {
    policy "$1" "$2" "$(hash_of "$3")" "$from" "$4" "${5:-}"
}
sign() { # FILE NAME...
    sign_file=$1
    shift
    for name; do
        ok "$patto" policy sign "$sign_file" --key "$work/$name.key" --as "$name"
    done
}
join() { # HOME FILE
    ok "$patto" --home "$work/$1" join "$2"
}

partners
v1=$work/policy-1.yaml
policy "$v1" 1 '' "$from" "$until"
sign_both "$v1"
join fresh "$v1"
join drink "$v1"

say 'diff: each change with its reason, lines, and who must sign'
v2=$work/policy-2.yaml
follow "$v2" 2 "$v1" "$sooner"
sed -i 's/minimum_count: 100/minimum_count: 250/' "$v2"
ok "$patto" policy diff "$v1" "$v2"
grep -q '^tighter privacy.minimum_count: 100 -> 250 (line' "$work/out" || fail 'minimum_count'
grep -q '^tighter valid.until: .* -> ' "$work/out" || fail 'valid.until'
grep -q '^version 1 to 2: 0 looser, 2 tighter, 0 neutral$' "$work/out" || fail 'the sum'
grep -q "^It only tightens: one officer's signature is enough, of drink or fresh\.$" "$work/out" ||
    fail 'who must sign'
! grep -E '.{81}' "$work/out" || fail 'wider than 80 columns'
ok "$patto" policy diff "$v1" "$v2" --strict --json
holds "$work/out" '.signatures_needed == "one" and .follows and ([.changes[].effect] == ["tighter", "tighter"])'
ok "$patto" policy diff "$v2" "$v1"
grep -q '^looser  privacy.minimum_count: 250 -> 100' "$work/out" || fail 'back is looser'
grep -q '^It must be signed by all: drink, fresh\.$' "$work/out" || fail 'who must sign'
grep -q 'no node would let it follow' "$work/out" || fail 'it does not follow'
refused 1 '2 changes are not tighter' "$patto" policy diff "$v2" "$v1" --strict
ok "$patto" policy diff "$v1" "$v1"
grep -q '^version 1 to 1: 0 looser, 0 tighter, 0 neutral$' "$work/out" || fail 'no change'
refused 2 '' "$patto" policy diff "$v1"
refused 1 'no such file' "$patto" policy diff "$v1" "$work/none.yaml"

say 'one officer tightens'
refused 1 "one officer's signature and has none" "$patto" --home "$work/fresh" join "$v2"
sign "$v2" drink
refused 1 'see --follows' "$patto" policy check "$v2"
ok "$patto" policy check "$v2" --follows "$v1"
grep -q '^it only tightens the version before: signed by enough$' "$work/out" || fail 'check --follows'
join fresh "$v2"
grep -q "one officer's signature" "$work/err" || fail 'join says so'
ok "$patto" --home "$work/fresh" doctor
ok "$patto" --home "$work/fresh" status

say 'a looser one needs all, whatever else it tightens'
v3=$work/policy-3.yaml
follow "$v3" 3 "$v2" "$sooner" 'new, loyal, lapsed'
sed -i 's/minimum_count: 100/minimum_count: 300/' "$v3"
sign "$v3" fresh
refused 1 'partners.fresh.attributes.segment.values, line' "$patto" --home "$work/fresh" join "$v3"
refused 1 'it would not run: the policy is not signed by all: no signature of drink' \
    "$patto" policy check "$v3" --follows "$v2"
ok "$patto" --home "$work/fresh" status
sign "$v3" drink
ok "$patto" policy check "$v3" --follows "$v2"
join fresh "$v3"

say 'tightened apart, and together again'
w2=$work/policy-2b.yaml
follow "$w2" 2 "$v1" "$until"
sed -i 's/minimum_count: 100/minimum_count: 400/' "$w2"
sign "$w2" fresh
join drink "$w2"
refused 1 'all partners must start from one file' "$patto" --home "$work/drink" join "$v3"
v4=$work/policy-4.yaml
follow "$v4" 4 "$v1" "$until"
sed -i 's/minimum_count: 100/minimum_count: 500/' "$v4"
sign "$v4" fresh
# It would only tighten, but one officer alone does not pass over what another has tightened.
refused 1 'join the versions between' "$patto" --home "$work/drink" join "$v4"
sign "$v4" drink
join drink "$v4"
ok "$patto" --home "$work/drink" doctor

say 'the record says who had signed'
ok "$patto" --home "$work/drink" audit show --kind policy --json
holds "$work/out" '[.[].fields.signed] == ["all", "one", "all"]'

say 'a version changed in the home does not stand'
folder=$(readlink "$work/drink/policy/current")
sed -i 's/minimum_count: 500/minimum_count: 5/' "$work/drink/policy/$folder/policy.yaml"
refused 1 'not valid for this file' "$patto" --home "$work/drink" serve
