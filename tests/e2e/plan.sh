#!/bin/sh
# plan.sh - a plan of questions: what it would cost, asked in the cheapest order, resumed, stopped at
# its budget; and the report, read and looked at in Chromium, with no network.
. tests/e2e/lib.sh
. tests/e2e/lib-federation.sh

fed_value=yes
federation freshmart drinkco homeware
customers freshmart 0 4000
customers drinkco 2000 6000
customers homeware 1000 5000
for name in freshmart drinkco homeware; do serve "$name"; done
for name in freshmart drinkco homeware; do ok p "$name" tokenise; done
cat >"$work/launch.yaml" <<'YAML'
patto-plan: 1
name: launch
asker: freshmart
budget_rho: 0.0056
audiences: {loyal: [segment=loyal]}
questions:
  - {id: together, ask: overlap, with: drinkco, audience: loyal}
  - {id: taste, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}
  - {id: everybody, ask: reach, with: [drinkco, homeware]}
  - {id: shares, ask: profile, with: drinkco, rows: buys, columns: drinkco.buys}
  - {id: missed, ask: surprise, with: drinkco, rows: buys, columns: drinkco.buys}
  - {id: others, ask: overlap, with: homeware}
YAML

say 'explain: under the policy in force, before any data is touched'
ok p freshmart plan explain "$work/launch.yaml" --json
holds "$work/out" '[.questions[].permitted] == [true, true, true, true, true, true] and
    [.questions[].paid_before] == [false, false, false, true, true, false] and
    .questions[1].simulated.cells > 0 and .rho > 0.00425 and .rho < 0.0043'
ok "$patto" plan explain "$work/launch.yaml" --policy "$work/policy.yaml"
! LC_ALL=C.UTF-8 grep -E '^.{81}' "$work/out" || fail 'wider than 80 columns'
refused 1 'no such file' p freshmart plan explain "$work/none.yaml"
refused 2 "asker is freshmart, and this home is drinkco's" p drinkco plan run "$work/launch.yaml" --out "$work/no"
refused 1 'no epoch is in force' p freshmart plan run "$work/launch.yaml" --out "$work/no"
[ ! -e "$work/no" ] || fail 'a folder for nothing'

say 'run: every question answered, tables paid for once'
ok p freshmart epoch
ok p freshmart plan run "$work/launch.yaml" --out "$work/launch"
holds "$work/launch/plan.json" '[.questions[].state] == ["answered", "answered", "answered", "answered", "answered", "answered"]
    and .questions[3].charged_rho == 0 and .questions[4].charged_rho == 0
    and .questions[3].repeated and (.charged_rho - .questions[0].charged_rho -
    .questions[1].charged_rho - .questions[2].charged_rho - .questions[5].charged_rho | fabs) < 1e-12 and
    .charged_rho <= .budget_rho and (.questions[1].receipts | length) == 1'
holds "$work/launch/answers/taste.json" '.kind == "affinity" and (.cells | length) == 25'
[ "$(wc -l <"$work/launch/answers/taste.csv")" -eq 26 ] || fail 'a line a cell, and a head'
spent drinkco freshmart >"$work/spent"
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["charged_rho"])' "$work/launch/plan.json" >"$work/charged"
ok p freshmart plan explain "$work/launch.yaml" --json
holds "$work/out" '[.partners[] | select(.name == "drinkco")] | .[0].asked_before_rho > 0.003624 and
    .[0].left_rho < 0.2 - 2 * .[0].asked_before_rho and .[0].rho > 0.003624'

say 'again: nothing is asked that is there; what is lost or damaged is'
rm "$work/launch/answers/shares.answer"
printf 'odd' >"$work/launch/answers/together.answer"
ok p freshmart plan run "$work/launch.yaml" --out "$work/launch"
holds "$work/launch/plan.json" '[.questions[].state] == ["answered", "kept", "kept", "answered", "kept", "kept"]
    and .questions[0].charged_rho > 0.000625 and .questions[0].repeated'
[ "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["charged_rho"])' "$work/launch/plan.json")" \
    = "$(cat "$work/charged")" ] || fail 'the first price was forgotten'
[ "$(spent drinkco freshmart)" = "$(cat "$work/spent")" ] || fail 'the same plan was charged twice'

say 'one partner away: the others are answered, and it goes on when it is back'
stop homeware
rm "$work/launch/answers/others.answer"
refused 1 '1 of 6 questions have no answer' p freshmart plan run "$work/launch.yaml" --out "$work/launch"
holds "$work/launch/plan.json" '[.questions[].state] == ["kept", "kept", "kept", "kept", "kept", "failed"] and
    .questions[5].reason != null'
serve homeware
ok p freshmart plan run "$work/launch.yaml" --out "$work/launch"

say 'a budget of its own: it stops before'
sed 's/0.0056/0.001/; s/^name: launch/name: poor/' "$work/launch.yaml" >"$work/poor.yaml"
refused 1 '5 of 6 questions have no answer' p freshmart plan run "$work/poor.yaml" --out "$work/poor"
holds "$work/poor/plan.json" '[.questions[].state] == ["answered", "over budget", "over budget", "over budget", "over budget", "over budget"]'

say 'the page: figures as in the answers, nothing loaded, nothing too wide'
cat >"$work/page.py" <<'PY'
import html.parser, json, pathlib, sys

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.values, self.section, self.open, self.ids = {}, None, [], set()
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "section":
            self.section = attrs["id"]
        if "id" in attrs:
            assert attrs["id"] not in self.ids, attrs["id"]
            self.ids.add(attrs["id"])
        assert tag not in ("script", "img", "link", "iframe", "object"), tag
        assert "src" not in attrs and not attrs.get("href", "#").startswith("http"), attrs
        if tag == "td" and "data-value" in attrs:
            self.values.setdefault(self.section, []).append(
                (float(attrs["data-value"]), float(attrs["data-half-width"])))
        if tag not in ("meta", "rect", "path", "circle", "br"):
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        assert tag in ("rect", "path", "circle"), tag
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open)

folder = pathlib.Path(sys.argv[1])
page = Page()
page.feed((folder / "report.html").read_text())
assert not page.open, page.open
for answer in sorted(folder.glob("answers/*.json")):
    a = json.loads(answer.read_text())
    shown = [(c["value"], c["half_width"]) for c in a["cells"] if c["status"] == "value"]
    got = page.values[answer.stem]
    for want in shown:
        assert any(abs(want[0] - g[0]) <= 1e-9 * (1 + abs(want[0])) and
                   abs(want[1] - g[1]) <= 1e-9 * (1 + abs(want[1])) for g in got), (answer, want)
    hidden = [c for c in a["cells"] if c["status"] != "value"]
    assert len(shown) > 0 or len(hidden) > 0
PY
python3 "$work/page.py" "$work/launch" || fail 'the page does not say what the answers say'
for size in 1280 400; do
    ok node tests/e2e/look.js "$work/launch/report.html" "$size" "$work/page-$size.png"
    holds "$work/out" '.requests == 1 and .errors == [] and .overflow <= 0 and .svg >= 4 and
        .bars > 0 and .small == 0 and .outside == []'
done

say 'a value: forecast, answered, drawn as two sets of bars'
cat >"$work/worth.yaml" <<'YAML'
patto-plan: 1
name: worth
asker: freshmart
budget_rho: 0.01
questions:
  - {id: spending, ask: value, with: drinkco, rows: buys, columns: drinkco.spend}
YAML
ok p freshmart plan explain "$work/worth.yaml" --json
holds "$work/out" '.questions[0].permitted and .questions[0].simulated.cells == 5'
ok p freshmart plan run "$work/worth.yaml" --out "$work/worth"
holds "$work/worth/plan.json" '.questions[0].state == "answered" and .charged_rho > 0.002 and .charged_rho < 0.0021'
holds "$work/worth/answers/spending.json" '.kind == "value" and (.cells | length) == 5 and
    .cells[0].mean_low < .cells[0].mean and .cells[0].sum_high > .cells[0].sum'
[ "$(wc -l <"$work/worth/answers/spending.csv")" -eq 6 ] || fail 'a line a group, and a head'
python3 "$work/page.py" "$work/worth" || fail 'the page does not say what the value says'
for what in 'mean of spend, EUR' 'sum of spend, EUR'; do
    grep -q "<h4>$what</h4>" "$work/worth/report.html" || fail "the page has no: $what"
done
ok node tests/e2e/look.js "$work/worth/report.html" 400 "$work/worth.png"
holds "$work/out" '.errors == [] and .overflow <= 0 and .svg == 2 and .bars > 0 and .small == 0 and .outside == []'
for name in freshmart drinkco homeware; do stop "$name"; done

say 'on paper: nothing cut off, dark on white whatever the screen, no controls'
"$BUILD/demo-page" tests/fuzz/corpus/fuzz_page >"$work/fixed.html" || fail 'no page of kept answers'
for page in "$work/launch/report.html" "$work/fixed.html"; do
    ok node tests/e2e/look.js "$page" 718 "$work/print.png" dark 1 print
    holds "$work/out" '.requests == 1 and .errors == [] and .overflow <= 0 and .wide == 0 and .small == 0 and
        .outside == [] and .controls == 0 and .ink == "rgb(0, 0, 0)" and .paper == "rgb(255, 255, 255)" and
        .pages >= 3 and .pages <= 14'
done

say 'and it looks as it did: a page of answers that do not change, light and dark'
holds_text() { grep -q "$1" "$work/fixed.html" || fail "the page of kept answers has no: $1"; }
for what in 'people missing, by pair' 'difference, share' 'moved, share' 'hidden, not zero' 'twice, 200'; do
    holds_text "$what"
done
for theme in light dark; do
    ok node tests/e2e/look.js "$work/fixed.html" 1024 "$work/$theme.png" "$theme" 0.5
    ok node tests/e2e/compare.js "$work/$theme.png" "tests/e2e/report-$theme.png"
    holds "$work/out" '.same_size and .mean < 0.5 and .most < 25'
done
