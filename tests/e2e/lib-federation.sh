# lib-federation.sh - a small federation in $work, after lib.sh:
#
#     federation freshmart drinkco           # homes, keys, policy, signatures, joined
#     customers freshmart 0 3000             # a CSV of persons 0..2999 and its map, ingested
#     serve freshmart; serve drinkco         # daemons, ready
#     p freshmart tokenise                   # patto --home of that partner
#
# Person N has attributes that follow from N alone, so any test can compute the truth.
# shellcheck shell=sh disable=SC2154 # patto and work are of lib.sh

# p NAME COMMAND... - run patto with that partner's home.
p() {
    fed_home=$1
    shift
    "$patto" --home "$work/$fed_home" "$@"
}

# block NAME - the partner's part of the policy; a name in $fed_neutral has no customers.
fed_block() {
    printf '  %s:\n' "$1"
    case " ${fed_neutral:-} " in *" $1 "*) echo '    role: neutral' ;; esac
    grep -E '^ *(endpoint|certificate|node):' "$work/$1.block"
    printf '    officer: %s\n' "$(tail -n 1 "$work/$1.officer.pub")"
    case " ${fed_neutral:-} " in *" $1 "*) return ;; esac
    cat <<'YAML'
    customers: {min: 100, max: 1000000}
    attributes:
      segment: {type: category, values: [new, loyal, lapsed]}
      buys: {type: set, values: [dairy, fruit, bakery, meat], max_per_person: 3}
      spend: {type: number, min: 0, max: 500, unit: EUR, combine: sum}
YAML
}

# fed_policy VERSION PREVIOUS NAME... - the policy's text. $fed_budget, $fed_audit, $fed_from and $fed_until
# override; with $fed_value the first two may ask for each other's spend by buys.
fed_policy() {
    fed_version=$1
    fed_previous=$2
    shift 2
    cat <<YAML
patto: 1
federation: e2e
version: $fed_version
YAML
    [ -z "$fed_previous" ] || echo "previous: $fed_previous"
    cat <<YAML
purpose: joint-campaign-planning
legal: {basis: consent, arrangement: JCA-1, dpia: DPIA-1, retention_days: 30}
valid: {from: ${fed_from:-$(date -u +%F)}, until: ${fed_until:-$(date -u -d '+90 days' +%F)}}
match: {identifier: email, normalisation: uid2, slots_per_customer: 4${fed_evaluations:+, evaluations_per_day: $fed_evaluations}}
partners:
YAML
    for fed_name in "$@"; do fed_block "$fed_name"; done
    cat <<YAML
questions:
  overlap: {ask: any, filters: [$1.segment, $2.segment, $2.spend]}
  reach: {ask: any, filters: [$1.segment]}
  crosstab: {ask: any, pairs: [[$1.buys, $2.buys]]}
${fed_value:+  value: {ask: any, pairs: [[$1.buys, $2.spend], [$2.buys, $1.spend]]\}}
privacy:
  unit: person
  minimum_count: 50
  minimum_audience: 500
  budget: ${fed_budget:-"{rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.2, lifetime_rho: 1.0}"}
  cost: {count_rho: 0.0005, table_rho: 0.002}
audit: ${fed_audit:-"{witnesses: [$1, $2], quorum: all}"}
YAML
}

# fed_sign FILE NAME... - each partner's officer signs.
fed_sign() {
    fed_file=$1
    shift
    for fed_name in "$@"; do
        ok "$patto" policy sign "$fed_file" --key "$work/$fed_name.officer" --as "$fed_name"
    done
}

# federation NAME... - everything up to the joined policy, at $work/policy.yaml.
federation() {
    fed_ports=$(free_ports $#)
    for fed_name in "$@"; do
        fed_port=$(echo "$fed_ports" | head -n 1)
        fed_ports=$(echo "$fed_ports" | tail -n +2)
        ok "$patto" init "$work/$fed_name" --name "$fed_name" --listen "127.0.0.1:$fed_port"
        cp "$work/out" "$work/$fed_name.block"
        ok "$patto" officer-key "$work/$fed_name.officer" --no-password
    done
    fed_policy 1 "" "$@" >"$work/policy.yaml"
    fed_sign "$work/policy.yaml" "$@"
    for fed_name in "$@"; do ok p "$fed_name" join "$work/policy.yaml"; done
}

# write_customers NAME FIRST END - persons FIRST..END-1: segment by N mod 3, one or two buys, spend.
write_customers() {
    awk -v first="$2" -v end="$3" 'BEGIN {
        split("new loyal lapsed", segment, " ")
        split("dairy fruit bakery meat", buys, " ")
        print "email,segment,buys,spend"
        for (n = first; n < end; n++)
            printf "Person%d@Example.com,%s,%s|%s,%d\n", n, segment[n % 3 + 1],
                   buys[n % 4 + 1], buys[int(n / 4) % 4 + 1], n % 100
    }' >"$work/$1.csv"
    cat >"$work/$1.map" <<'YAML'
patto-map: 1
form: wide
identifier: {column: email}
attributes:
  segment: {column: segment}
  buys: {column: buys, separator: "|"}
  spend: {column: spend}
YAML
}

customers() {
    write_customers "$1" "$2" "$3"
    ok p "$1" ingest "$work/$1.csv" --map "$work/$1.map"
}

fed_ready() {
    p "$1" status --json >"$work/status.json" 2>/dev/null && grep -q 'serves partners on' "$work/$1.log"
}

# serve NAME [OPTION...] - start the daemon and wait until it listens.
serve() {
    fed_name=$1
    shift
    : >"$work/$fed_name.log"
    start "$fed_name" "$patto" --home "$work/$fed_name" serve "$@"
    until_true 20 fed_ready "$fed_name" || fail "$fed_name does not serve"
    running "$fed_name" || fail "$fed_name stopped at once"
}

# spent OWNER PEER - rho that PEER has spent at OWNER this period.
spent() {
    p "$1" status --json | jq --arg peer "$2" '.budgets[] | select(.partner == $peer) | .period_rho'
}

# cell FILE ROW COLUMN TRUTH - the cell's interval, widened to three times, holds the truth.
cell() {
    holds "$1" ".cells[] | select(.row == \"$2\" and .column == \"$3\") |
                .status == \"value\" and (.value - $4 | fabs) <= 3 * .half_width"
}
