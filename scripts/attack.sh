#!/bin/sh
# attack.sh PROGRAM... - run the attacks of tests/attack/ and print their rows as one table; what a
# failed program said, too. PATTO_ATTACK_TRIALS: of each attack and world.
set -u
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
echo '| attack | outcome | advantage (95 %) of trials | bound |'
echo '|---|---|---|---|'
for program in "$@"; do
    if ! "$program" >"$log" 2>&1 </dev/null; then
        failed=$((failed + 1))
        sed 's/^/    /' "$log" | tail -n 40
        echo "FAILED: $program"
        continue
    fi
    grep '^|' "$log"
done
[ "$failed" -eq 0 ] && [ $# -gt 0 ]
