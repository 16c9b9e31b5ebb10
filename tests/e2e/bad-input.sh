#!/bin/sh
# bad-input.sh - what must be met with a clear error and nothing lost: policies, homes, files,
# disks, and kill -9 in the middle.
. tests/e2e/lib.sh
. tests/e2e/two-partners.inc

partners
yesterday=$(day '-1 day')
soon=$(day '+90 days')
home=$work/fresh
p=$work/policy.yaml
policy "$p" 1 '' "$yesterday" "$soon"
state() { # of the home: what a failed command must not change
    (
        cd "$home"
        find . -type f ! -name lock ! -name 'state.db*' -exec sha256sum {} + | sort
        readlink policy/current || true
    )
}
unchanged() { # TEXT COMMAND... - refused with 1, and the home is as it was
    text=$1
    shift
    state >"$work/before"
    refused 1 "$text" "$@"
    state | cmp -s - "$work/before" || fail "changed the home: $*"
}

say 'policies: unsigned, edited, expired, early, not ours, downgraded'
unchanged 'not signed by all' "$patto" --home "$home" join "$p"
sign_both "$p"
sed 's/minimum_count: 100/minimum_count: 10/' "$p" >"$work/edited.yaml"
cp "$p.fresh.minisig" "$work/edited.yaml.fresh.minisig"
cp "$p.drink.minisig" "$work/edited.yaml.drink.minisig"
unchanged 'not valid for this file: that of drink, fresh' "$patto" --home "$home" join "$work/edited.yaml"
refused 1 'is not a signature of this file' "$patto" policy check "$work/edited.yaml"
cp "$p" "$work/swapped.yaml"
cp "$p.fresh.minisig" "$work/swapped.yaml.drink.minisig"
cp "$p.drink.minisig" "$work/swapped.yaml.fresh.minisig"
unchanged 'not valid for this file' "$patto" --home "$home" join "$work/swapped.yaml"
policy "$work/old.yaml" 1 '' 2020-01-01 2020-06-30
sign_both "$work/old.yaml"
unchanged 'has expired' "$patto" --home "$home" join "$work/old.yaml"
refused 1 'has expired' "$patto" policy check "$work/old.yaml"
policy "$work/early.yaml" 1 '' 2090-01-01 2090-06-30
sign_both "$work/early.yaml"
unchanged 'has not begun' "$patto" --home "$home" join "$work/early.yaml"
sed "s/$(grep -o 'sha256:[0-9a-f]*' "$work/fresh.block")/sha256:$(printf '%064d' 0)/" "$p" >"$work/cert.yaml"
sign_both "$work/cert.yaml"
unchanged "the certificate of fresh is not this home's" "$patto" --home "$home" join "$work/cert.yaml"
ok "$patto" init "$work/third" --name third --listen 127.0.0.1:1
refused 1 'names no partner of that name' "$patto" --home "$work/third" join "$p"
printf 'patto: 1\nfederation: [\n' >"$work/broken.yaml"
unchanged 'line ' "$patto" --home "$home" join "$work/broken.yaml"
unchanged 'no such file' "$patto" --home "$home" join "$work/absent.yaml"
ok "$patto" --home "$home" join "$p"
policy "$work/two.yaml" 2 "$(hash_of "$p")" "$yesterday" "$soon"
sign_both "$work/two.yaml"
policy "$work/fork.yaml" 2 "$(hash_of "$work/old.yaml")" "$yesterday" "$soon"
sign_both "$work/fork.yaml"
unchanged 'as the file before it' "$patto" --home "$home" join "$work/fork.yaml"
ok "$patto" --home "$home" join "$work/two.yaml"
unchanged 'downgrade refused' "$patto" --home "$home" join "$p"

say 'a policy edited or turned back inside the home'
copy=$home/policy/current/policy.yaml
cp "$copy" "$work/kept"
sed 's/minimum_count: 100/minimum_count: 10/' "$work/kept" >"$copy"
refused 1 'checks failed' "$patto" --home "$home" doctor --offline
grep -q 'not valid for this file' "$work/out" || fail 'doctor does not see the edit'
cp "$work/kept" "$copy"
now=$(readlink "$home/policy/current")
ln -sfn "$(cd "$home/policy" && ls -d 1-*)" "$home/policy/current"
refused 1 'checks failed' "$patto" --home "$home" doctor --offline
grep -q 'not the one joined last' "$work/out" || fail 'doctor does not see the older policy'
ln -sfn "$now" "$home/policy/current"
ok "$patto" --home "$home" doctor --offline

say 'homes: absent, in use, too open, damaged'
refused 1 'there is no home at' "$patto" --home "$work/nowhere" status
refused 1 'is not a home of patto' "$patto" --home "$work" status
chmod 644 "$home/keys/noise.key"
unchanged 'chmod 600' "$patto" --home "$home" join "$p"
chmod 600 "$home/keys/noise.key"
chmod 777 "$home"
unchanged 'chmod 700' "$patto" --home "$home" join "$p"
chmod 700 "$home"
chmod 644 "$work/fresh.key"
refused 1 'chmod 600' "$patto" policy sign "$p" --key "$work/fresh.key" --as fresh
chmod 600 "$work/fresh.key"
cp "$home/keys/oprf.key" "$work/kept"
echo 00ff >"$home/keys/oprf.key"
unchanged 'restore it from a backup' "$patto" --home "$home" join "$p"
cp "$work/kept" "$home/keys/oprf.key"
cp "$home/node.yaml" "$work/kept"
echo 'colour: red' >>"$home/node.yaml"
refused 1 'unknown key' "$patto" --home "$home" status
cp "$work/kept" "$home/node.yaml"
cat >"$work/map.yaml" <<'YAML'
patto-map: 1
form: wide
identifier: {column: email}
attributes: {segment: {column: status}}
YAML
start serve "$patto" --home "$home" serve
serving() {
    "$patto" --home "$home" status --json >"$work/serving" 2>/dev/null && jq -e .running "$work/serving"
}
until_true 20 serving || fail 'the node does not start'
refused 1 "another patto (process $(cat "$work/serve.pid"))" "$patto" --home "$home" join "$p"
refused 1 'another patto' "$patto" --home "$home" serve
ok "$patto" --home "$home" doctor --offline
stop serve
cp "$home/state.db" "$work/kept.db"
rm -f "$home/state.db-wal" "$home/state.db-shm"
printf 'no database at all, and more than sixteen bytes of it' >"$home/state.db"
refused 1 'is damaged' "$patto" --home "$home" join "$p"
refused 1 'is damaged' "$patto" --home "$home" serve
cp "$work/kept.db" "$home/state.db"
ok "$patto" --home "$home" doctor --offline

say 'customer files'
ingest() { # TEXT FILE
    unchanged "$1" "$patto" --home "$home" ingest "$2" --map "$work/map.yaml"
    grep -q 'what was here before stays' "$work/err" || fail 'does not say what is in force now'
}
{ echo 'email,status'; seq 1 300 | sed 's/.*/u&@example.org,new/'; } >"$work/good.csv"
ok "$patto" --home "$home" ingest "$work/good.csv" --map "$work/map.yaml"
: >"$work/empty.csv"
ingest 'empty' "$work/empty.csv"
sed 's/^email/mail/' "$work/good.csv" >"$work/column.csv"
ingest 'email' "$work/column.csv"
{ cat "$work/good.csv"; printf 'bad\377\376@example.org,new\n%.0s' 1 2 3 4 5 6 7 8 9; } >"$work/utf8.csv"
"$patto" --home "$home" ingest "$work/utf8.csv" --map "$work/map.yaml" >"$work/out" 2>"$work/err" || true
! grep -q "$(printf 'bad\377')" "$work/out" "$work/err" || fail 'shows a value'
{ cat "$work/good.csv"; head -c 10000000 /dev/zero | tr '\0' a; echo ',new'; } >"$work/long.csv"
ingest 'MiB' "$work/long.csv"
ten() { head -c 10000000 /dev/zero | tr '\0' a; }
{ cat "$work/good.csv"; printf 'v@example.org,"'; ten; printf '"\n'; } >"$work/quoted.csv"
ingest 'line 302: a field of more than 1 MiB' "$work/quoted.csv"
{ ten; cat "$work/good.csv"; } >"$work/header.csv"
ingest 'line 1: a field of more than 1 MiB' "$work/header.csv"
{ cat "$work/good.csv"; printf 'v@example.org,"'; ten; } >"$work/open.csv"
ingest 'line 302: a field of more than 1 MiB' "$work/open.csv"
unchanged 'line 1: not an identifier' "$patto" --home "$home" forget "$work/quoted.csv"
{ echo u1@example.org; ten; } >"$work/long.list"
unchanged 'line 2: a field of more than 1 MiB' "$patto" --home "$home" forget "$work/long.list"
{ echo u1@example.org; echo 'u2@example.org,new'; } >"$work/table.list"
unchanged 'line 2: not an identifier' "$patto" --home "$home" forget "$work/table.list"
sed 's/new/purple/' "$work/good.csv" >"$work/values.csv"
ingest 'segment' "$work/values.csv"
! grep -q purple "$work/err" || fail 'an error shows a value'

say 'a full disk'
for blocks in 0 4 16 40; do
    state >"$work/before"
    # Through a pipe: a file for the words would be under the limit too.
    words=$( (ulimit -f "$blocks"; exec "$patto" --home "$home" ingest "$work/good.csv" \
        --map "$work/map.yaml") 2>&1 >/dev/null) && continue
    state | cmp -s - "$work/before" || fail "a full disk changed the home ($blocks blocks)"
    [ -n "$words" ] || fail 'a full disk without a word'
done
words=$( (ulimit -f 0; exec "$patto" init "$work/full" --name full --listen 127.0.0.1:1) 2>&1) &&
    fail 'init on a full disk'
[ ! -e "$work/full" ] || fail 'half a home'
ok "$patto" init "$work/full" --name full --listen 127.0.0.1:1

say 'kill -9'
n=0
while [ $n -lt 12 ]; do
    n=$((n + 1))
    timeout -s KILL "0.00$((n * 7 % 10))$n" "$patto" init "$work/k$n" --name k --listen 127.0.0.1:1 \
        >/dev/null 2>&1 || true
    [ -e "$work/k$n/node.yaml" ] || ok "$patto" init "$work/k$n" --name k --listen 127.0.0.1:1
    ok "$patto" --home "$work/k$n" status
    timeout -s KILL "0.0$((n * 7 % 10))" "$patto" --home "$home" ingest "$work/good.csv" --map "$work/map.yaml" \
        >/dev/null 2>&1 || true
    timeout -s KILL "0.00$((n * 3 % 10))" "$patto" --home "$work/drink" join "$p" >/dev/null 2>&1 || true
done
ok "$patto" --home "$work/drink" join "$p"
ok "$patto" --home "$work/drink" doctor --offline
ok "$patto" --home "$home" ingest "$work/good.csv" --map "$work/map.yaml"
ok "$patto" --home "$home" doctor --offline

say 'a read-only home'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1; then
    # root may write anywhere: be somebody else.
    chmod 755 "$work"
    install -m 755 "$patto" "$work/patto"
    chown -R 65534:65534 "$home"
    as="setpriv --reuid 65534 --regid 65534 --clear-groups $work/patto"
else
    as=$patto
fi
mkdir -m 755 "$work/readable"
cp "$work/two.yaml" "$work"/two.yaml.*.minisig "$work/good.csv" "$work/map.yaml" "$work/readable"
echo u1@example.org >"$work/readable/list"
chmod 644 "$work"/readable/*
chmod -R a-w "$home"
# shellcheck disable=SC2086 # words
refused 1 'make the home writable' $as --home "$home" join "$work/readable/two.yaml"
# shellcheck disable=SC2086
refused 1 'make the home writable' $as --home "$home" ingest "$work/readable/good.csv" \
    --map "$work/readable/map.yaml"
# shellcheck disable=SC2086
refused 1 'make the home writable' $as --home "$home" forget "$work/readable/list"
# shellcheck disable=SC2086
ok $as --home "$home" budget show
# shellcheck disable=SC2086
ok $as --home "$home" status
chmod -R u+w "$home"
# shellcheck disable=SC2086
ok $as --home "$home" join "$work/readable/two.yaml"
say passed
