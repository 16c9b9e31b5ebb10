#!/bin/sh
# Goal: what a running node has given up, by the kernel's own word; and that a core taken by force
# holds no customer, no token and no key of the home, though the process has them all in memory.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

federation freshmart drinkco
customers freshmart 0 4000
customers drinkco 2000 5000
serve freshmart
serve drinkco
ok p freshmart tokenise
ok p drinkco tokenise
ok p freshmart epoch
ok p freshmart query overlap --with drinkco
ok p drinkco query overlap --with freshmart
pid=$(cat "$work/freshmart.pid")

say "the filter is on, privileges are given up, cores are off"
for field in NoNewPrivs:1 Seccomp:2; do
    tr -d '\t' <"/proc/$pid/status" | grep -qx "$field" || fail "/proc/$pid/status does not say $field"
done
grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits" || fail "cores are not off"
ok p freshmart doctor --offline --json
holds "$work/out" 'any(.[]; .check == "sandbox" and .verdict == "ok")'
holds "$work/out" 'any(.[]; .check == "modes" and .verdict == "ok")'

say "a core taken by force: what it must not hold"
# The partner's name must be found, so that a search of nothing fails.
if [ "$(id -u)" -eq 0 ]; then
    # Twice: with the pages that the kernel leaves out of a core, all must be found, so that the
    # search is of what is really there; without them, nothing.
    gdb -p "$pid" -batch -ex 'set dump-excluded-mappings on' -ex "gcore $work/whole" \
        -ex 'set dump-excluded-mappings off' -ex "gcore $work/core" >"$work/gdb.out" 2>&1 || {
        cat "$work/gdb.out" >&2
        fail "gdb took no core"
    }
    cat >"$work/search.py" <<'PY'
import hashlib, sys
# Most of the gigabyte is pages of zeros, where nothing can be: the runs between them are searched.
core = bytearray()
with open(sys.argv[1], "rb") as f:
    while page := f.read(4096):
        if page.count(0) < len(page):
            core += page
home = sys.argv[2]
secrets = {}
for name in ("node", "oprf", "vault", "noise", "epoch"):
    text = open(f"{home}/keys/{name}.key").read().strip()
    secrets[f"{name}.key"] = bytes.fromhex(text)
    secrets[f"{name}.key in hex"] = text.encode()
for n in range(0, 4000, 100):
    mail = f"person{n}@example.com"
    secrets[f"address {n}"] = mail.encode()
    secrets[f"digest {n}"] = hashlib.sha256(mail.encode()).digest()
print("control", "found" if b"e2e" in core and b"drinkco" in core else "missing")
for name, value in secrets.items():
    if value[:32] in core:
        print("secret", name)
PY
    for core in whole core; do
        python3 "$work/search.py" "$work/$core" "$work/freshmart" >"$work/$core.found"
        rm -f "$work/$core"
        grep -qx 'control found' "$work/$core.found" || fail "$core lacks even the partner's name"
    done
    for secret in node.key vault.key noise.key epoch.key oprf.key 'digest 0' 'digest 3900'; do
        grep -qx "secret $secret" "$work/whole.found" || fail "$secret is not in memory: what was searched?"
    done
    ! grep '^secret' "$work/core.found" >&2 || fail "the core holds secrets"
else
    # No core for the process's own user: that is what PR_SET_DUMPABLE is for.
    ! gcore -o "$work/core" "$pid" >"$work/gcore.out" 2>&1 || fail "a core could be taken"
fi
stop freshmart
[ "$stopped" -eq 0 ] || fail "freshmart ended with $stopped"

say "modes that let others in are refused at start, with what to do"
for case in 'keys 755 700' 'vault 750 700' 'columns 705 700' 'state.db 644 600' 'node.yaml 666 600' 'policy 777 700'; do
    # shellcheck disable=SC2086 # three words on purpose
    set -- $case
    chmod "$2" "$work/freshmart/$1"
    refused 1 "chmod $3 $work/freshmart/$1" p freshmart serve
    chmod "$3" "$work/freshmart/$1"
done

say "the way out is said, each time, and doctor tells of it"
serve freshmart --without-filter
grep -q 'any system call is allowed' "$work/freshmart.log" || fail "the log does not say so"
ok p freshmart doctor --offline --json
holds "$work/out" 'any(.[]; .check == "sandbox" and .verdict == "warn")'
stop freshmart
stop drinkco
