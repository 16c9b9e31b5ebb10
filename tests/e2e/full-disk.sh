#!/bin/sh
# Goal: on a disk that is really full ingest, forget and an epoch refuse in words, lose nothing, and
# work again as soon as there is room.
# Method: a home on a small tmpfs of our own, in a mount namespace, filled up to a few kilobytes.
if [ -z "${PATTO_E2E_INSIDE:-}" ]; then
    unshare -rm true 2>/dev/null || {
        echo "full-disk: skipped: this machine lets nobody make a mount namespace"
        exit 0
    }
    exec unshare -rm env PATTO_E2E_INSIDE=1 sh "$0"
fi
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

disk=$work/disk
free_up() { rm -f "$disk/filler"; }
# leave KILOBYTES - fill the disk but for these.
leave() {
    free_up
    room=$(df -k --output=avail "$disk" | tail -n 1)
    dd if=/dev/zero of="$disk/filler" bs=1k count=$((room - $1)) 2>"$work/dd"
}
sound() { p freshmart doctor --offline 2>/dev/null | grep -q 'sound; the audit chain holds'; } # 16 MB it minds
status_has() { p freshmart status --json | jq -e ".customers == $1" >/dev/null; }

federation freshmart drinkco
customers drinkco 1000 4000
mkdir "$disk"
mount -t tmpfs -o size=16m none "$disk"
trap 'umount -l "$disk" 2>/dev/null; e2e_end 130' INT TERM HUP
mv "$work/freshmart" "$disk/home"
ln -s "$disk/home" "$work/freshmart"
customers freshmart 0 3000
cp "$work/freshmart.csv" "$work/old.csv"
write_customers freshmart 0 9000
echo person10@example.com >"$work/list"

refusals=0
# full WHAT COMMAND... - may succeed where there was room enough after all.
full() {
    what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null && return 0
    grep -qi 'full\|space' "$work/err" || {
        cat "$work/err" >&2
        fail "$what on a full disk does not say so"
    }
    refusals=$((refusals + 1))
    return 1
}

say 'ingest'
for kilobytes in 0 4 16 64 128 256 400; do
    leave $kilobytes
    if full ingest p freshmart ingest "$work/freshmart.csv" --map "$work/freshmart.map"; then
        want=9000
    else
        want=3000
    fi
    free_up
    status_has $want || fail "with $kilobytes KB left the vault holds something else"
    sound || fail 'the database is not sound'
    ok p freshmart ingest "$work/old.csv" --map "$work/freshmart.map"
done
[ $refusals -ge 3 ] || fail "the disk was full $refusals times only: this proves nothing"

say 'forget'
refusals=0
for kilobytes in 0 4 8 16 64 128; do
    leave $kilobytes
    full forget p freshmart forget "$work/list" || true
    free_up
    status_has 3000 || status_has 2999 || fail "with $kilobytes KB left the vault holds something else"
    ok p freshmart forget "$work/list"
    status_has 2999 || fail 'forgetting again does not finish'
    ok p freshmart forget --undo "$work/list"
    ok p freshmart ingest "$work/old.csv" --map "$work/freshmart.map"
done
[ $refusals -ge 3 ] || fail "the disk was full $refusals times only: this proves nothing"
ok p freshmart forget "$work/list"

say 'an epoch: with its record or not at all'
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
leave 160 # the record takes 240
refused 1 full p freshmart epoch
free_up
ok p freshmart status --json
holds "$work/out" '.epoch == 0'
ok p freshmart epoch
ok p freshmart audit absence "$work/list" --epoch "$(p freshmart status --json | jq .epoch)"
stop_all
umount "$disk"
say passed
