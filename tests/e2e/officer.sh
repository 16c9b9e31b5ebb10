#!/bin/sh
# officer.sh - what a privacy officer reads before signing: explain in words and as a page, in two
# languages; lint; and that policy/README.md shows what the commands print.
. tests/e2e/lib.sh

example=tests/policy/three.yaml

say 'explain: lines that the file has, within 80 columns'
ok "$patto" policy explain "$example"
grep -q '^Who may learn what$' "$work/out" || fail 'sections'
# In characters, not bytes.
! LC_ALL=C.UTF-8 grep -E '^.{81}' "$work/out" || fail 'wider than 80 columns'
ok "$patto" policy explain "$example" --lang it --for freshmart
! LC_ALL=C.UTF-8 grep -E '^.{81}' "$work/out" || fail 'wider than 80 columns'
grep -q '^Chi può sapere che cosa$' "$work/out" || fail 'sections in Italian'
ok "$patto" policy explain "$example" --json
holds "$work/out" '.version == 1 and (.sentences | length) > 40 and all(.sentences[]; .lines | length > 0)'
refused 2 'en or it' "$patto" policy explain "$example" --lang fr
refused 2 'no such partner' "$patto" policy explain "$example" --for nobody
refused 2 'not both' "$patto" policy explain "$example" --json --html
refused 1 'no such file' "$patto" policy explain "$work/none.yaml"

say 'the page: whole, and in need of nothing'
sed 's/Plan the 2026 summer campaign/Plan <script>alert(1)<\/script> \&amp; "co" together/' "$example" >"$work/odd.yaml"
ok "$patto" policy explain "$work/odd.yaml" --html
cp "$work/out" "$work/page.html"
python3 - "$work/page.html" "$work/odd.yaml" <<'PY'
import html.parser, sys

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.lines = [], [], [], set(), []
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        if "id" in attrs:
            self.ids.append(attrs["id"])
            self.lines.append("")
        if "href" in attrs:
            self.links.append(attrs["href"])
        assert not {"src", "srcset", "onclick", "onload"} & set(attrs), attrs
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        if self.lines and self.open[-2:] == ["div", "div"]:
            self.lines[-1] += data

page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
assert not page.open, page.open
assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}, page.tags
assert "//" not in text.split("</style>")[0], "the style refers to something"
assert all(link[0] == "#" and link[1:] in page.ids for link in page.links), page.links
source = open(sys.argv[2], encoding="utf-8").read().splitlines()
shown = [line.rstrip("\n") for line in page.lines]
assert shown == source, [pair for pair in zip(shown, source) if pair[0] != pair[1]][:3]
PY
ok "$patto" policy explain "$example" --html --lang it
grep -q '<html lang="it">' "$work/out" || fail 'the language of the page'

say 'lint'
ok "$patto" policy lint --rules
[ "$(wc -l <"$work/out")" -ge 40 ] || fail 'forty rules'
refused 1 'before you sign' "$patto" policy lint "$example" --json
holds "$work/out" '[.findings[].id] | index("P001") != null'
refused 1 '' "$patto" policy lint "$example" --sarif
holds "$work/out" '.version == "2.1.0" and (.runs[0].results | length) > 0'

say 'simulate: a plan on made-up customers'
cat >"$work/plan.yaml" <<'YAML'
patto-plan: 1
name: launch
asker: freshmart
audiences: {loyal: [segment=loyal]}
questions:
  - {id: together, ask: overlap, with: drinkco, audience: loyal}
  - {id: taste, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}
  - {id: table, ask: crosstab, with: drinkco, rows: buys, columns: drinkco.buys}
YAML
ok "$patto" policy simulate "$example" --questions "$work/plan.yaml"
! LC_ALL=C.UTF-8 grep -E '^.{101}' "$work/out" || fail 'wider than 100 columns'
ok "$patto" policy simulate "$example" --questions "$work/plan.yaml" --json
holds "$work/out" '[.questions[].permitted] == [true, true, true] and .questions[2].paid_before
    and .questions[0].simulated.half_width > 0 and (.rho - 0.002625162 | fabs) < 1e-8'
cp "$work/out" "$work/once"
ok "$patto" policy simulate "$example" --questions "$work/plan.yaml" --json
cmp "$work/once" "$work/out" || fail 'the same seed, another forecast'
sed 's/with: drinkco, audience/with: homeware, audience/; s/ask: overlap/ask: reach/' "$work/plan.yaml" >"$work/no.yaml"
refused 1 '1 of 3 questions may not be asked' "$patto" policy simulate "$example" --questions "$work/no.yaml" --json
holds "$work/out" '.questions[0].reason | contains("questions.reach.ask, line 64")'
sed 's/ask: crosstab/ask: lift/' "$work/plan.yaml" >"$work/lift.yaml"
refused 1 '1 of 3 questions may not be asked' "$patto" policy simulate "$example" --questions "$work/lift.yaml" --json
holds "$work/out" '.questions[2].reason | contains("lift compares exposed customers")'
sed 's/^asker/budget_rho: 0.001\nasker/' "$work/plan.yaml" >"$work/dear.yaml"
refused 1 'are over a budget' "$patto" policy simulate "$example" --questions "$work/dear.yaml"
refused 1 "unknown key 'patto'" "$patto" policy simulate "$example" --questions "$example"
refused 2 'a share' "$patto" policy simulate "$example" --questions "$work/plan.yaml" --overlap 2

say 'attack: within its bound'
ok "$patto" policy attack "$example" --trials 300 --json
holds "$work/out" '[.attacks[] | select(.possible and (.broken | not))] | length == 6'
refused 2 'from 100' "$patto" policy attack "$example" --trials 1

say 'policy/README.md shows what is printed'
# A block that begins with "$ patto policy COMMAND ..." is compared with what that command prints.
python3 - policy/README.md "$patto" <<'PY'
import re, shlex, subprocess, sys

text = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"^    \$ patto (policy .*)\n((?:    .*\n|\n)*)", text, re.M)
checked = 0
for command, body in blocks:
    shown = [line[4:] for line in body.rstrip("\n").split("\n")]
    got = subprocess.run([sys.argv[2]] + shlex.split(command), capture_output=True, text=True).stdout
    lines, at = got.split("\n"), 0
    for line in shown:
        if line.strip() == "...":
            continue
        assert line in lines[at:], f"`patto {command}` does not print: {line}"
        at = lines.index(line, at) + 1
    checked += 1
assert checked >= 2, "no example is checked"
PY
