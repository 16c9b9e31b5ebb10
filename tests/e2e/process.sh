#!/bin/sh
# process.sh - what a serving node gives up: new privileges, all system calls but a list, core dumps;
# which modes of its files it does not put up with; and what a core taken by force holds.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

federation ada bea
customers ada 0 3000
customers bea 1000 4000
serve ada
serve bea
ok p ada tokenise
ok p bea tokenise
ok p ada epoch
ok p ada query overlap --with bea --json

say 'the kernel says so, and so does doctor'
pid=$(cat "$work/ada/lock")
grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || fail 'new privileges'
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status" || fail 'no filter of system calls'
grep -q '^Max core file size *0 ' "/proc/$pid/limits" || fail 'core dumps'
p ada doctor >"$work/doctor" 2>&1 || :
grep -q 'no new privileges, only the system calls it needs, no core dump' "$work/doctor" ||
    fail 'doctor does not say it'

if [ "$(id -u)" -eq 0 ] && command -v gcore >/dev/null; then
    say 'a core taken by force holds no key, no customer and no token'
    gcore -o "$work/core" "$pid" >"$work/gcore.log" 2>&1 || fail 'no core could be taken'
    # Keys as the files have them; a customer's digest as the policy's rules make it; and, so that the
    # search can find anything at all, a word that must be there.
    python3 - "$work/core.$pid" "$work/ada" <<'PY' || fail 'a secret is in the core'
import hashlib, pathlib, sys

core = pathlib.Path(sys.argv[1]).read_bytes()
home = pathlib.Path(sys.argv[2])
assert b"patto-question-1" in core or b"freshmart" in core or b"federation" in core
for name in ("vault", "noise", "epoch", "oprf"):
    text = (home / "keys" / f"{name}.key").read_text().strip()
    key = bytes.fromhex(text)
    assert len(key) >= 32 and key not in core and text.encode() not in core, name
for n in (0, 1, 1500, 2999):
    address = f"person{n}@example.com"
    assert hashlib.sha256(address.encode()).digest() not in core, n
    assert address.encode() not in core and f"Person{n}@Example.com".encode() not in core, n
PY
    rm "$work/core.$pid"
fi
stop ada
stop bea

say 'modes: others may not read what is secret, nor write what is trusted'
for case in 'keys 755 700' 'vault 750 700' 'columns 705 700' 'state.db 644 600' 'node.yaml 666 600' 'policy 777 700'; do
    # shellcheck disable=SC2086 # three words on purpose
    set -- $case
    old=$(stat -c %a "$work/ada/$1")
    chmod "$2" "$work/ada/$1"
    refused 1 "chmod $3 $work/ada/$1" p ada serve
    chmod "$old" "$work/ada/$1"
done
serve ada
stop ada

say 'where the kernel takes no filter it does not start, unless told to'
serve ada --without-filter
grep -q 'any system call is allowed' "$work/ada.log" || fail 'it does not say what that means'
pid=$(cat "$work/ada/lock")
p ada doctor >"$work/doctor" 2>&1 || :
grep -q 'may make any system call' "$work/doctor" || fail 'doctor does not say it'
stop ada
