#!/bin/sh
# Goal: over real nodes and real purchases, every answer agrees with the plain SQL join of the same
# files. Two companies first, then three. Of the counts at least 90 % lie within their 95 % error bars,
# of what is derived from them (dependent, so that chance moves more of them at once) 80 %, and all
# within three times that. A count is judged once, however many answers show it, and several epochs
# draw fresh noise: of more than 400 independent counts fewer than 90 % are inside once in some
# hundred thousand runs of an honest node.
# shellcheck disable=SC2154 # patto and work are of lib.sh
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh
purchases=../shared/data/groceries/purchases.csv
[ -r "$purchases" ] || fail "$purchases is not beside the checkout"

# What each company sells: the policy's word and the file's. max_per_person is all of them, so that
# no set is cut and the plain join is the truth.
sells() {
    case $1 in
    fresh) printf '%s\n' 'milk:whole milk' 'greens:other vegetables' 'yogurt:yogurt' \
        'roots:root vegetables' 'fruit:tropical fruit' 'citrus:citrus fruit' ;;
    drinks) printf '%s\n' 'soda:soda' 'water:bottled water' 'cans:canned beer' 'bottles:bottled beer' ;;
    house) printf '%s\n' 'rolls:rolls/buns' 'sausage:sausage' 'pastry:pastry' 'bread:brown bread' ;;
    esac
}
words() { sells "$1" | cut -d: -f1 | paste -sd, -; }

fed_block() {
    printf '  %s:\n' "$1"
    grep -E '^ *(endpoint|certificate|node):' "$work/$1.block"
    printf '    officer: %s\n    customers: {min: 100, max: 1000000}\n' \
        "$(tail -n 1 "$work/$1.officer.pub")"
    printf '    attributes:\n      buys: {type: set, values: [%s], max_per_person: %s}\n' \
        "$(words "$1")" "$(sells "$1" | wc -l)"
}
fed_policy() { # VERSION PREVIOUS NAME...
    shift 2
    cat <<YAML
patto: 1
federation: groceries
version: 1
purpose: joint-campaign-planning
legal: {basis: consent, arrangement: JCA-1, dpia: DPIA-1, retention_days: 30}
valid: {from: $(date -u +%F), until: $(date -u -d '+90 days' +%F)}
match: {identifier: email, normalisation: uid2, slots_per_customer: 4}
partners:
YAML
    for fed_name in "$@"; do fed_block "$fed_name"; done
    pairs=
    for fed_a in "$@"; do
        for fed_b in "$@"; do
            [ "$fed_a" = "$fed_b" ] || case $pairs in
                *"[$fed_b.buys, $fed_a.buys]"*) ;;
                *) pairs="$pairs${pairs:+, }[$fed_a.buys, $fed_b.buys]" ;;
            esac
        done
    done
    cat <<YAML
questions:
  overlap: {ask: any, filters: [drinks.buys]}
  reach: {ask: any, filters: []}
  crosstab: {ask: any, pairs: [$pairs]}
privacy:
  unit: person
  minimum_count: 30
  minimum_audience: 300
  budget: {rho: 3, delta: 1e-9, days: 90, daily_rho: 3, lifetime_rho: 3}
  cost: {count_rho: 0.01, table_rho: 0.1, reach_rho: 0.01}
audit: {witnesses: [$1, $2], quorum: all}
YAML
}

# load NAME NUMBER - the members that company NUMBER keeps (two thirds, chosen for each company on
# its own, so that two share about four ninths), into its node and the truth. Rows without a member
# are skipped; those without an item count for who bought.
load() {
    awk -F, -v c="$2" 'BEGIN {srand(1009 + 7919 * c)}
        NR == 1 {print "email,item"; next}
        $1 == "" {next}
        !($1 in drop) {drop[$1] = rand() < 1 / 3}
        !drop[$1] {printf "member%s@example.com,%s\n", $1, $3}' "$purchases" >"$work/$1.csv"
    {
        printf 'patto-map: 1\nform: long\nidentifier: {column: email}\nattributes:\n  buys:\n'
        printf '    column: item\n    others: drop\n    values:\n'
        sells "$1" | sed 's/\(.*\):\(.*\)/      "\2": \1/'
    } >"$work/$1.map"
    ok p "$1" ingest "$work/$1.csv" --map "$work/$1.map"
    {
        echo "CREATE TABLE raw_$1(email TEXT, item TEXT);"
        echo ".import --csv --skip 1 $work/$1.csv raw_$1"
        echo "CREATE TABLE word_$1(word TEXT, item TEXT);"
        sells "$1" | sed "s/\(.*\):\(.*\)/INSERT INTO word_$1 VALUES('\1','\2');/"
        echo "CREATE TABLE member_$1 AS SELECT DISTINCT email FROM raw_$1;"
        echo "CREATE TABLE buys_$1 AS SELECT DISTINCT email, word FROM raw_$1 JOIN word_$1 USING(item);"
        echo "INSERT INTO buys_$1 SELECT email, '(all)' FROM member_$1;"
        echo "CREATE INDEX by_word_$1 ON buys_$1(word, email);"
        echo "CREATE INDEX by_email_$1 ON buys_$1(email, word);"
    } | sqlite3 "$work/truth.db"
}
truth() { sqlite3 "$work/truth.db" "$1"; }
# Many at once: a process each would cost more than the nodes do.
truths() { # SQL_FILE FILE - its answers, a line each, added to the file
    [ -s "$1" ] || return 0
    sqlite3 -bail "$work/truth.db" <"$1" >"$work/answers" || fail "the truth is not to be had"
    [ "$(grep -c ';$' "$1")" = "$(grep -c '^[0-9]' "$work/answers")" ] ||
        fail "not every figure has its truth"
    cat "$work/answers" >>"$2"
    rm "$1"
}

# compare JSON_FILE - a line "TRUTH VALUE HALF_WIDTH ..." for each shown count into $work/figures.
compare() {
    asker=$(jq -r .asker "$1")
    with=$(jq -r .with "$1")
    kind=$(jq -r .kind "$1")
    common="SELECT count(*) FROM member_$asker JOIN member_$with USING(email)"
    own="SELECT count(*) FROM member_$asker"
    other="SELECT count(*) FROM member_$with"
    jq -r '.cells[] | select(.status == "value" and .half_width > 0) |
           [.row, .column, .value, .half_width] | @tsv' "$1" >"$work/cells"
    [ -s "$work/cells" ] || fail "no figure is shown: $(jq -r .question "$1")"
    if [ "$kind" = affinity ] || [ "$kind" = profile ]; then
        again "$1"
        return
    fi
    tab=$(printf '\t')
    while IFS=$tab read -r row column value half_width; do
        case $kind:$row in
        overlap:audience | reach:audience) sql=$other ;;
        overlap:overlap | reach:overlap) sql=$common ;;
        reach:adds) [ "$column" = "$asker" ] && sql="SELECT ($own) - ($common)" ||
            sql="SELECT ($other) - ($common)" ;;
        reach:reach) sql="SELECT ($own) + ($other) - ($common)" ;;
        *) sql="SELECT count(*) FROM buys_$asker a JOIN buys_$with b USING(email)
                WHERE a.word = '$row' AND b.word = '$column'" ;;
        esac
        file=figures
        case $row in adds | reach) file=derived ;; esac
        echo "SELECT ($sql) || ' $value $half_width $kind $asker $with $row $column';" >>"$work/$file.sql"
    done <"$work/cells"
    truths "$work/figures.sql" "$work/figures"
    truths "$work/derived.sql" "$work/derived"
}
# again JSON_FILE - another reading of the table that crosstab paid for: the same counts, no charge.
# New are the index of affinity and the share of profile.
again() {
    holds "$1" '.charged_rho == 0'
    cmp "$work/cells" "$work/table" || fail "$kind shows other counts than crosstab"
    [ "$kind" != affinity ] || derived "$1" '.index, (.index_high - .index_low) / 2' \
        '100.0 * ab * t / (a * b)' '.index_high > .index_low'
    [ "$kind" != profile ] || derived "$1" '.share, .share_half_width' '1.0 * ab / a' \
        '.share_half_width > 0'
}
derived() { # JSON_FILE FIELDS SQL FILTER
    jq -r ".cells[] | select($4) | [.row, .column, $2] | @tsv" "$1" >"$work/cells"
    while IFS=$tab read -r row column value half_width; do
        j="FROM buys_$asker x JOIN buys_$with y USING(email) WHERE"
        echo "WITH c AS (SELECT
            (SELECT count(*) $j x.word = '$row' AND y.word = '$column') ab,
            (SELECT count(*) $j x.word = '$row' AND y.word = '(all)') a,
            (SELECT count(*) $j x.word = '(all)' AND y.word = '$column') b,
            (SELECT count(*) $j x.word = '(all)' AND y.word = '(all)') t)
            SELECT ($3) || ' $value $half_width $kind $asker $with $row $column' FROM c;"
    done <"$work/cells" >"$work/derived.sql"
    truths "$work/derived.sql" "$work/derived"
}

# questions NAME OTHER - every kind of question, one way.
questions() {
    for kind in overlap reach; do
        ok p "$1" query $kind --with "$2" --json
        cp "$work/out" "$work/answer.json"
        compare "$work/answer.json"
    done
    for kind in crosstab affinity profile; do
        ok p "$1" query $kind --with "$2" --rows buys --columns "$2.buys" --json
        cp "$work/out" "$work/answer.json"
        compare "$work/answer.json"
        [ "$kind" != crosstab ] || cp "$work/cells" "$work/table"
    done
}

federate() { # NAME... - from nothing to tokens
    rm -f "$work/truth.db"
    federation "$@"
    number=0
    for name in "$@"; do
        load "$name" $number
        number=$((number + 1))
        serve "$name"
    done
    shared=$(truth "SELECT count(*) FROM member_$1 JOIN member_$2 USING(email)")
    { [ "$shared" -gt 1500 ] && [ "$shared" -lt 1950 ]; } ||
        fail "$1 and $2 share $shared members: not the partial overlap that this is about"
    for name in "$@"; do ok p "$name" tokenise; done
}
judge() { # FILE AT_LEAST SHARE - so many figures, that share of them inside their error bars
    awk -v least="$2" -v share="$3" '
         {all++; d = $2 - $1; if (d < 0) d = -d
          if (d <= $3) inside++
          if (d > 3 * $3) {beyond++; print "beyond three times its error bar: " $0}}
         END {printf "%d figures, %.1f %% inside, %d beyond\n", all, 100 * inside / all, beyond
              exit !(all >= least && inside >= share * all && beyond == 0)}' "$1" ||
        fail "the answers do not agree with the SQL join"
}

federate fresh drinks
for epoch in 1 2 3; do
    say "two companies, each asking the other, epoch $epoch of 3"
    ok p fresh epoch
    questions fresh drinks
    questions drinks fresh
done
stop_all
rm -rf "$work/fresh" "$work/drinks" "$work"/*.officer*

federate fresh drinks house
for epoch in 1 2; do
    say "three companies, every pair, epoch $epoch of 2"
    ok p fresh epoch
    questions fresh drinks
    questions drinks house
    questions house fresh
done
say "the counts, then what is derived from them"
judge "$work/figures" 400 0.9
judge "$work/derived" 300 0.8
