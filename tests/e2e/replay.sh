#!/bin/sh
# Goal: everything that honest nodes sent is made again from vault, seed and record, byte for byte,
# with any number of threads; what was changed since is named; replaced data are told from a lie.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

say "tokens, an epoch, questions both ways"
fed_neutral=watch
fed_value=yes
federation ada bea cleo watch
customers ada 0 4000
customers bea 2000 6000
customers cleo 3000 7000
for name in ada bea cleo watch; do serve "$name"; done
for name in ada bea cleo; do ok p "$name" tokenise; done
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
ok p ada query overlap --with bea
ok p ada query overlap --with bea --where ada.segment=loyal
ok p ada query value --with bea --rows buys --columns bea.spend
ok p bea query value --with ada --rows buys --columns ada.spend
ok p ada query overlap --with bea # again, for nothing
ok p bea query crosstab --with ada --rows bea.buys --columns ada.buys
ok p bea query overlap --with ada
ok p ada query overlap --with bea --watch
ok p bea query crosstab --with ada --rows bea.buys --columns ada.buys --watch

say "all of it replays, beside the running node"
for name in ada bea cleo; do
    for threads in 1 2 4; do
        ok p "$name" audit replay "$epoch" --threads $threads --json
        cp "$work/out" "$work/$name.$threads"
        holds "$work/out" '.verdict == "same" and .data_match and .missing == ""'
    done
    cmp "$work/$name.1" "$work/$name.2" || fail "two threads show"
    cmp "$work/$name.1" "$work/$name.4" || fail "four threads show"
done

say "reach over the three"
ok p ada query reach --with bea --with cleo
ok p cleo query reach --with ada --with bea --where ada.segment=loyal
for name in ada bea cleo; do
    ok p "$name" audit replay "$epoch" --json
    holds "$work/out" '.verdict == "same" and .kinds.reach.sessions > 4'
    [ "$(jq .kinds.reach.same "$work/out")" = "$(jq .kinds.reach.sessions "$work/out")" ] ||
        fail "not all of $name's reach is the same"
done
ok p watch audit replay "$epoch" --json # always one of the three, and of no epoch itself
holds "$work/out" '.verdict == "same" and .kinds.reach.sessions > 4 and .kinds.ask.sessions == 0'
refused 1 "a neutral node has no other part in it" p watch audit replay 7

# again NAME HOW - serve it anew: as an honest node (""), or as one that deviates.
honest=$patto
again() {
    stop "$1"
    [ -z "$2" ] || patto=$BUILD/patto-deviant
    PATTO_DEVIATES=$2
    export PATTO_DEVIATES
    serve "$1"
    patto=$honest
    unset PATTO_DEVIATES
}

# cheat NAME HOW COMMAND... - a new epoch, in which NAME deviates while the command runs.
cheat() {
    cheat_name=$1
    cheat_how=$2
    shift 2
    again "$cheat_name" "$cheat_how"
    ok p ada epoch
    epoch=$(p ada status --json | jq .epoch)
    ok "$@"
    again "$cheat_name" ""
}

say "a heavier weight on one person: refused by name before any answer, for the whole epoch"
again ada weight
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
ada_spent() { p bea budget show --json | jq -c '.partners[] | select(.partner == "ada") | .spent'; }
ada_spent >"$work/spent"
refused 1 "bea refused: NOT_PROVED: our columns are not proved to be well formed" \
    p ada query overlap --with bea
refused 1 "bea refused: NOT_PROVED" p ada query overlap --with bea
again ada "" # honest from now on, and too late
refused 1 "bea refused: NOT_PROVED" p ada query overlap --with bea --where ada.segment=loyal
again bea "" # which a restart does not forget
refused 1 "bea refused: NOT_PROVED" p ada query overlap --with bea --where ada.segment=loyal
ada_spent | cmp - "$work/spent" || fail "a refused proof cost something"
ok p bea audit show
grep -q "what=proof reason=NOT_PROVED epoch=.* commitment=.* answer=" "$work/out" ||
    fail "a refused proof is not on the record"
ok p bea query overlap --with ada # the other direction is another pair
refused 1 "(ask, bea), message 3: Question column 0 differs" p ada audit replay "$epoch"
ok p bea audit replay "$epoch"

say "one person in every column of a table: well formed each, and too many"
again ada columns
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
refused 1 "bea refused: NOT_PROVED" p ada query crosstab --with bea --rows ada.buys --columns bea.buys
again ada ""
refused 1 "Question column 1 differs" p ada audit replay "$epoch"
ok p bea audit replay "$epoch"

say "an evaluator that answers what is not proved"
again ada weight
cheat bea check p ada query overlap --with bea
refused 1 "was sent where the code refuses: the columns of ada are not proved to be well formed" \
    p bea audit replay "$epoch"
again ada ""

say "two columns under one key"
cheat bea key p bea query crosstab --with ada --rows bea.buys --columns ada.buys
refused 1 "(ask, ada), message 3: Question column 0 differs" p bea audit replay "$epoch" --threads 2

say "numbers without noise"
cheat bea noise p ada query value --with bea --rows buys --columns bea.spend
refused 1 ": Reply row 0 differs" p bea audit replay "$epoch"

say "an answer without noise"
cheat bea noise p ada query overlap --with bea
refused 1 "(ask, ada)" p bea audit replay "$epoch"
refused 1 ": Reply row 0 differs" p bea audit replay "$epoch" --threads 4
ok p ada audit replay "$epoch"

say "a customer left out of an answer, after the commitment"
cheat bea input p ada query overlap --with bea
refused 1 ": Reply row 0 differs" p bea audit replay "$epoch"

say "a check that is left out: a coefficient that the code refuses"
again ada coefficient
cheat bea check p ada query overlap --with bea
refused 1 "where the code refuses: column 0 of ada holds a coefficient that is not below q" \
    p bea audit replay "$epoch"
refused 1 "Question column 0 differs" p ada audit replay "$epoch"
again ada ""

say "reach: a slot that is not so, dummies that hide nothing"
cheat bea input p ada query reach --with bea --with cleo
refused 1 "(reach, " p bea audit replay "$epoch"
refused 1 ": ReachPart offset 0 differs" p bea audit replay "$epoch"
cheat watch dummies p ada query reach --with bea --with cleo
refused 1 "(reach, " p watch audit replay "$epoch"
ok p bea audit replay "$epoch"

say "a record that is gone, or was changed"
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
ok p ada query overlap --with bea
ok p bea audit replay "$epoch"
newest=$(find "$work/bea/record" -name '*.rec' | sort | tail -n 1)
mv "$newest" "$work/kept"
refused 1 "an answer of which no record is kept" p bea audit replay "$epoch"
cp "$work/kept" "$newest"
oldest=$(find "$work/bea/record" -name '*.rec' | sort | head -n 1) # ada's tokens were the first
mv "$oldest" "$work/oldest"
refused 1 "points evaluated for a partner, of which no record is kept" p bea audit replay "$epoch"
mv "$work/oldest" "$oldest"
ok p bea audit replay "$epoch"
flip "$newest" 200
refused 1 "was altered" p bea audit replay "$epoch"
cp "$work/kept" "$newest"
ok p bea audit replay "$epoch"

say "data that have been replaced are told from a lie"
stop ada
customers ada 0 4100
refused 1 "is no longer in this home as it was" p ada audit replay "$epoch" --json
holds "$work/out" '.verdict == "unchecked" and (.data_match | not) and .first == null'
refused 1 "this node was in no epoch 7" p ada audit replay 7
refused 2 "EPOCH is a number" p ada audit replay seven
refused 2 "--threads is 1..64" p ada audit replay "$epoch" --threads 0

say "more customers: the first batch was over other data, and what was said since is the same"
serve ada
ok p ada tokenise
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
ok p ada query overlap --with bea
ok p ada audit replay "$epoch" --json
holds "$work/out" '.verdict == "same" and .kinds.tokens.earlier == 1 and .kinds.tokens.unchecked == 1'
ok p ada audit replay "$epoch"
grep -q "1 token batches were made over data that had been replaced" "$work/out" || fail "not said"

say "tokens that hide no count"
stop ada
customers ada 0 4200
again ada padding
ok p ada tokenise
again ada ""
ok p ada epoch
epoch=$(p ada status --json | jq .epoch)
refused 1 "(tokens, bea), message 3: Batch differs" p ada audit replay "$epoch"
