#!/bin/sh
# Goal: bench measures every kernel on every code path and a whole federation, leaves nothing behind,
# and plan-capacity scales what bench printed. Figures themselves are nobody's test.
. tests/e2e/lib.sh
TMPDIR=$work
export TMPDIR

say "kernels"
ok "$patto" bench --only kernels --rounds 1 --json
holds "$work/out" '.cpu != "" and .threads >= 1 and (.kernels | length) >= 11 and .runs == []'
holds "$work/out" 'all(.kernels[]; .name != "" and .per != "" and .median_ns > 0 and
    .min_ns <= .median_ns and .median_ns <= .max_ns and
    (.ratio == null or (.ratio > 0 and .baseline_ns > 0)))'
holds "$work/out" 'all(.kernels[]; keys | contains(["name", "backend", "median_ns", "per", "baseline_ns",
    "ratio"])) and any(.kernels[]; .name == "verified token" and .baseline == "no proofs")'
holds "$work/out" 'any(.kernels[]; .backend == "portable") and
    ([.kernels[] | .backend] | group_by(.) | map(length) | unique | length == 1)'
if grep -q '^cpu family' /proc/cpuinfo; then
    holds "$work/out" '.cpu | test("[(]family [0-9]+, model [0-9]+[)]$")'
fi

say "two nodes"
ok "$patto" bench --only runs --customers 3000 --values 3 --json
holds "$work/out" '.values == 3 and .kernels == [] and [.runs[].name] == ["ingest", "tokenise",
    "epoch", "overlap", "crosstab", "crosstab again"]'
holds "$work/out" 'all(.runs[]; .n == 3000 and .seconds >= 0 and .cpu_seconds > 0 and .peak_bytes > 1e6)'
# A point there and one back for each customer of either node, at least; one column, then three
# more; then none: 5 bytes a slot each.
holds "$work/out" '[.runs[].wire_bytes] | .[0] == 0 and .[1] > 2 * 2 * 3000 * 32 and
    .[3] > 5 * 1048576 and .[4] > 3 * 5 * 1048576 and .[5] < 1048576'
[ -z "$(find "$work" -name 'patto-bench*')" ] || fail "the bench's folder is still there"
cp "$work/out" "$work/bench.json"

holds "$work/out" '.forecast.own == 10000000 and .forecast.peer == 25000000 and .forecast.seconds > 0'
holds "$work/out" '(keys | contains(["cpu", "threads", "kernels", "runs"])) and
    all(.runs[]; keys | contains(["name", "n", "seconds", "cpu_seconds", "wire_bytes", "peak_bytes"]))'

say "a sweep"
ok "$patto" bench --only runs --customers 70000 --values 2 --sweep
holds_text() { grep -q "$1" "$work/out" || fail "no line like $1"; }
holds_text '^  customers *65536 *70000$'
holds_text '^  tokenise *[0-9.]* *[0-9.]*$'
holds_text '^10M x 25M on this machine: '
! grep -E '.{81}' "$work/out" || fail "wider than 80 columns"

say "plan-capacity"
ok "$patto" plan-capacity --own 1000000 --peer 2000000 --from "$work/bench.json" --json
holds "$work/out" '.own == 1000000 and .peer == 2000000 and .slots == 8388608 and
    .disk_bytes == 4 * 5 * 8388608'
# Tokens by customers of both, questions by slots.
jq -s '(.[0].runs[1].cpu_seconds * 500 - .[1].steps[1].cpu_seconds | fabs) < 1e-3 and
       (.[0].runs[4].seconds * 8 - .[1].steps[4].seconds | fabs) < 1e-3' \
    "$work/bench.json" "$work/out" | grep -q true || fail "not scaled as said"
ok "$patto" plan-capacity --own 1000000 --peer 2000000 --from "$work/bench.json"
! grep -E '.{81}' "$work/out" || fail "wider than 80 columns"
refused 2 '1 to' "$patto" plan-capacity --own 0 --peer 5 --from "$work/bench.json"
refused 2 'kernels, runs or constant-time' "$patto" bench --only everything
refused 2 '2 to 63' "$patto" bench --values 1
echo '{"runs": [{"name": "tokenise"}]}' >"$work/wrong.json"
refused 1 'make it anew' "$patto" plan-capacity --own 5 --peer 5 --from "$work/wrong.json"
refused 1 'make it anew' "$patto" plan-capacity --own 5 --peer 5 --from "$work/absent.json"

say "do secrets show in time? What is measured is printed, and the control is seen"
ok "$patto" bench --only constant-time --rounds 1 --json
holds "$work/out" '.limit == 4.5 and ([.timings[] | select(.control)] | length > 0 and all(.difference))
    and ([.timings[] | select(.control | not) | .name] | unique | length) == 4'
