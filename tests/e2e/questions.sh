#!/bin/sh
# Goal: lift, journey and bubble over real nodes hold the truth that follows from the persons'
# numbers, are readings of a table paid for once, work from either side, and say what they need; and a
# value is the sum and the mean of the plain join.
# shellcheck disable=SC2154 # patto and work are of lib.sh
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

fed_block() {
    printf '  %s:\n' "$1"
    grep -E '^ *(endpoint|certificate|node):' "$work/$1.block"
    printf '    officer: %s\n' "$(tail -n 1 "$work/$1.officer.pub")"
    printf '    customers: {min: 100, max: 1000000}\n    attributes:\n'
    printf '      %s\n' 'stage: {type: category, values: [recognise, request, respond, repeat]}'
    if [ "$1" = shop ]; then
        printf '      %s\n' 'ad: {type: category, values: [exposed, control]}'
    else
        printf '      %s\n' 'bought: {type: category, values: [bought, not]}' \
            'spend: {type: number, min: 0, max: 200, unit: EUR, combine: sum}'
    fi
}
fed_policy() {
    shift 2
    cat <<YAML
patto: 1
federation: questions
version: 1
purpose: joint-campaign-planning
legal: {basis: consent, arrangement: JCA-1, dpia: DPIA-1, retention_days: 30}
valid: {from: $(date -u +%F), until: $(date -u -d '+90 days' +%F)}
match: {identifier: email, normalisation: uid2, slots_per_customer: 4}
partners:
YAML
    for fed_name in "$@"; do fed_block "$fed_name"; done
    cat <<YAML
questions:
  overlap: {ask: any, filters: [shop.ad, shop.stage]}
  crosstab: {ask: any, pairs: [[shop.ad, brand.bought], [shop.stage, brand.stage]]}
  value: {ask: any, filters: [brand.bought], pairs: [[shop.ad, brand.spend]]}
privacy:
  unit: person
  minimum_count: 50
  minimum_audience: 500
  budget: {rho: 3, delta: 1e-9, days: 90, daily_rho: 3, lifetime_rho: 3}
  cost: {count_rho: 0.01, table_rho: 0.02}
audit: {witnesses: [$1, $2], quorum: all}
YAML
}

# Of persons in common 8000..19999: half exposed, of whom 30 % bought; of the others 20 %. With the
# brand, of each three fours the first is a stage further, but for those at the last, and of the
# second the last two are two stages behind. One in ten has no spend, one in fifty more than counts.
# MORE is how many of ten more bought.
spends='function spend(n) {
            if (n % 10 == 9) return ""
            return n % 50 == 0 ? 900 : 20 + 2 * (n % 40) + (n % 2 ? 0 : 40)
        }'
load() { # NAME FIRST END COLUMN [MORE]
    awk -v first="$2" -v end="$3" -v what="$4" -v more="${5:-0}" "$spends"'BEGIN {
        split("recognise request respond repeat", stages, " ")
        print "email,stage," what (what == "ad" ? "" : ",spend")
        for (n = first; n < end; n++) {
            stage = n % 4
            four = int(n / 4) % 3
            if (what == "ad") {
                value = n % 2 ? "control" : "exposed"
            } else {
                if (four == 0 && stage < 3) stage++
                else if (four == 1 && stage >= 2) stage -= 2
                value = int(n / 2) % 10 < (n % 2 ? 2 : 3) + more ? "bought" : "not"
            }
            printf "person%d@example.com,%s,%s%s\n", n, stages[stage + 1], value,
                   what == "ad" ? "" : "," spend(n)
        }}' >"$work/$1.csv"
    printf '%s\n' 'patto-map: 1' 'form: wide' 'identifier: {column: email}' 'attributes:' \
        '  stage: {column: stage}' "  $4: {column: $4}" >"$work/$1.map"
    [ "$1" = shop ] || echo '  spend: {column: spend}' >>"$work/$1.map"
    ok p "$1" ingest "$work/$1.csv" --map "$work/$1.map"
}

federation shop brand
load shop 0 20000 ad
load brand 8000 28000 bought
serve shop
serve brand
ok p shop tokenise
ok p brand tokenise
ok p shop epoch

say "lift, from the side of the campaign and from that of the sales"
ok p shop query lift --with brand --rows ad --columns brand.bought --json
holds "$work/out" '.charged_rho > 0'
cell "$work/out" exposed bought 1800
cell "$work/out" "difference, share" "exposed, bought" 0.1
cell "$work/out" "ratio, times" "exposed, bought" 1.5
cell "$work/out" "extra, people" "exposed, bought" 600
holds "$work/out" '[.cells[] | select(.column == "exposed, bought")] | map({(.row): .value}) | add |
    ."ratio, at least" < ."ratio, times" and ."ratio, times" < ."ratio, at most" and
    ."ratio, at least" > 1'
ok p brand query lift --with shop --rows bought --columns shop.ad --json
cell "$work/out" "difference, share" "exposed, bought" 0.1
cell "$work/out" "extra, people" "exposed, bought" 600

say "bubble reads the same table, and costs nothing"
before=$(spent brand shop)
ok p shop query bubble --with brand --rows ad --columns brand.bought --json
holds "$work/out" '.charged_rho == 0 and .repeated'
cell "$work/out" "entropy, bits" "(all)" 0.8112781
cell "$work/out" "concentration, HHI" exposed 0.58
cell "$work/out" "categories, effective" control 1.649385
holds "$work/out" 'has("renewal_since") | not'
holds "$work/out" '.cells | map(select(.row == "renewal, share")) | length == 3 and
    all(.status == "suppressed" and .reason == "no such table of an earlier epoch is kept")'
earlier=$(jq -r .epoch "$work/out")
ok p shop query crosstab --with brand --rows ad --columns brand.bought --csv
[ "$(spent brand shop)" = "$before" ] || fail "another reading of a paid table was charged"

say "journey: who stands further with the brand"
ok p shop query journey --with brand --rows stage --columns brand.stage --json
cell "$work/out" "moved, people" up 3000
cell "$work/out" "moved, people" down 2000
cell "$work/out" "moved, people" same 7000
cell "$work/out" "moved, people" "net (up - down)" 1000
cell "$work/out" "moved, share" up 0.25
holds "$work/out" '.cells[] | select(.row == "repeat" and .column == "request") |
    .share > 0.25 and .share < 0.42'
ok p shop query journey --with brand --rows stage --columns brand.stage
cat "$work/out"
ok p shop query lift --with brand --rows ad --columns brand.bought
cat "$work/out"

# truth NAME GROUP - sum and count of the plain join, clipped as the policy says: 0 exposed, 1 control.
truth() {
    awk -v group="$1" "$spends"'BEGIN {
        for (n = 8000; n < 20000; n++) {
            v = spend(n)
            if (v == "" || (group != "all" && n % 2 != group)) continue
            sum += v > 200 ? 200 : v
            count++
        }
        print sum, count
    }'
}
# figure ROW NAME TRUTH - the interval, widened to three times, holds the truth.
figure() {
    holds "$work/out" ".cells[] | select(.row == \"$1\") |
        (.$2 - $3 | fabs) <= 3 * (.${2}_high - .$2) and .${2}_low < .$2 and .column == \"spend, EUR\""
}

say "value: a number of the brand's by the groups of the shop"
before=$(spent brand shop)
ok p shop query value --with brand --rows ad --columns brand.spend --json
holds "$work/out" '.charged_rho > 0.02 and .charged_rho < 0.0201 and (.cells | length) == 3'
for group in "(all) all" "exposed 0" "control 1"; do
    # shellcheck disable=SC2046 # two words
    set -- "${group% *}" $(truth "${group#* }")
    cell "$work/out" "$1" "spend, EUR" "$3"
    figure "$1" sum "$2"
    figure "$1" mean "$(echo "$2 $3" | awk '{ printf "%.6f", $1 / $2 }')"
done
# The groups differ by far more than the error bars.
holds "$work/out" '[.cells[] | {(.row): .}] | add |
    .exposed.mean_low > .control.mean_high and .exposed.mean_high - .exposed.mean_low < 10'
cp "$work/out" "$work/value.json"
after=$(spent brand shop)
ok p shop query value --with brand --rows ad --columns brand.spend --json
holds "$work/out" '.charged_rho == 0 and .repeated'
[ "$(jq -c .cells "$work/out")" = "$(jq -c .cells "$work/value.json")" ] || fail "another answer"
[ "$(spent brand shop)" = "$after" ] || fail "the same value was charged twice"
[ "$after" != "$before" ] || fail "a value was not charged"
ok p shop query value --with brand --rows ad --columns brand.spend --where brand.bought=bought --csv
grep -q '^exposed,"spend, EUR",value,' "$work/out" || fail "no line of a group in the CSV"
ok p shop query value --with brand --rows ad --columns brand.spend
cat "$work/out"

say "three looks at one question: each over its slots, for its part of the price, none twice"
before=$(spent brand shop)
ok p shop query overlap --with brand --watch --json
[ "$(wc -l <"$work/out")" -eq 3 ] || fail 'an answer a line'
jq -s . "$work/out" >"$work/looks"
holds "$work/looks" 'map(.slots) == ["1/16", "1/4", "1"] and
    map(.cells[0] | (.value - 12000 | fabs) <= 3 * .half_width) == [true, true, true] and
    .[0].cells[0].half_width > .[1].cells[0].half_width and
    .[1].cells[0].half_width > .[2].cells[0].half_width and .[2].cells[0].half_width < 400 and
    (map(.charged_rho) | add) >= 0.0125 and (map(.charged_rho) | add) < 0.01251 and
    .[0].charged_rho == .[1].charged_rho and (map(.cells[1].value) | unique) == [20000]'
spent brand shop >"$work/after"
jq -e --argjson before "$before" --slurpfile after "$work/after" \
    '(($after[0] - $before) - (map(.charged_rho) | add) | fabs) < 1e-12' "$work/looks" >/dev/null ||
    fail 'what was charged is not what was said'
ok p shop query overlap --with brand --watch --json
jq -s . "$work/out" >"$work/again"
holds "$work/again" 'map(.repeated and .charged_rho == 0) == [true, true, true]'
jq -s '(.[0] | map(.cells)) == (.[1] | map(.cells))' "$work/looks" "$work/again" | grep -q true ||
    fail 'the same look is another answer'
jq '[.[] | select(.receipts != [])][0]' "$work/looks" >"$work/look"
ok p shop audit receipt "$work/shop/receipts/$(jq -r '.receipts[0]' "$work/look")" --answer "$work/look"
ok p shop query overlap --with brand --json # the question itself is another, at its own price
holds "$work/out" '.slots == null and .charged_rho >= 0.0125 and (.repeated | not)'

say "it stops when it is exact enough, and the rest is not spent"
ok p shop query overlap --with brand --where ad=exposed --watch --until 99 --json
[ "$(wc -l <"$work/out")" -eq 1 ] || fail 'more looks than one'
holds "$work/out" '.charged_rho < 0.00157 and (.cells[0].value - 6000 | fabs) <= 3 * .cells[0].half_width'
ok p shop query crosstab --with brand --rows stage --columns brand.stage --watch
[ "$(grep -c 'customers in common' "$work/out")" -eq 3 ] || fail 'three tables, one after another'
grep -q 'a look at 1/16 of the slots' "$work/out" || fail 'which look is not said'

say "on a terminal the table is drawn in its place"
cat >"$work/terminal.py" <<'PY'
import fcntl, os, pty, struct, sys, termios
rows = int(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
text = b""
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        break
    if not part:
        break
    text += part
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(status, text.count(b"\x1b[J"), text.count(b"overlap of shop"))
PY
drawn() { python3 "$work/terminal.py" "$1" "$patto" --home "$work/shop" query overlap --with brand --watch; }
[ "$(drawn 60)" = "0 2 3" ] || fail "on 60 lines: $(drawn 60), not twice over"
[ "$(drawn 5)" = "0 0 3" ] || fail "on 5 lines: $(drawn 5), not one after another"

say "what they need, said before anything is charged"
before=$(spent brand shop)
refused 2 'control' p shop query lift --with brand --rows stage --columns brand.stage
refused 2 'same stages' p shop query journey --with brand --rows ad --columns brand.bought
refused 2 'needs --rows' p shop query bubble --with brand
refused 1 'questions.crosstab.pairs' p shop query bubble --with brand --rows ad --columns brand.stage
refused 2 'bought is no number' p shop query value --with brand --rows ad \
    --columns brand.bought
refused 2 'needs --rows' p shop query value --with brand
refused 1 'questions.value.pairs' p shop query value --with brand --rows stage --columns brand.spend
refused 1 'questions.value.filters' p shop query value --with brand --rows ad \
    --columns brand.spend --where 'brand.spend>=10'

refused 1 'questions.crosstab.pairs' p shop query bubble --with brand --rows ad --columns brand.stage --watch
refused 1 'this policy lists no reach' p shop query reach --with brand --watch
refused 2 'goes with --watch' p shop query overlap --with brand --until 5
refused 2 'number of percent' p shop query overlap --with brand --watch --until 0
refused 2 'an answer a line' p shop query overlap --with brand --watch --csv
refused 2 'between two partners' p shop query reach --with brand,shop --watch
[ "$(spent brand shop)" = "$before" ] || fail "a question that was not asked was charged"

say "four of ten more bought: the next epoch's bubble looks back to this one"
stop brand
load brand 8000 28000 bought 4
serve brand
ok p brand tokenise
ok p shop epoch
ok p shop query bubble --with brand --rows ad --columns brand.bought --json
holds "$work/out" ".renewal_since == \"$earlier\" and .epoch != \"$earlier\""
cell "$work/out" "renewal, share" "(all)" 0.2735043 # 2 * 0.4^2 / (0.25^2 + 0.75^2 + 0.65^2 + 0.35^2)
holds "$work/out" '[.cells[] | select(.column == "(all)")] | map({(.row): .value}) | add |
    ."renewal, at least" < ."renewal, share" and ."renewal, share" < ."renewal, at most"'
ok p shop query bubble --with brand --rows ad --columns brand.bought
grep -q "since epoch $earlier" "$work/out" || fail "the table does not say what it looks back to"
cat "$work/out"
