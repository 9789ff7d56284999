package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// rows reads a write set, one change a line: "insert accounts id:7 email='a'".
// A value in quotes is text, unless it looks like a timestamp or a JSON document;
// null, true and numbers are such; ~ stands for one that is unchanged. A delete
// and what stands before -> is the old row. A * behind a name makes it a key, a #
// generated, and >table.column a reference.
func rows(t *testing.T, text string) compare.WriteSet {
	t.Helper()
	set := compare.WriteSet{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		c := compare.Change{Op: compare.Op(words[0]), Table: words[1]}
		for _, w := range words[2:] {
			if w == "->" {
				c.Old, c.New = c.New, nil
				continue
			}
			c.New = append(c.New, columnOf(t, w))
		}
		if c.Op == compare.OpDelete {
			c.Old, c.New = c.New, nil
		}
		set = append(set, c)
	}
	return set
}

func columnOf(t *testing.T, w string) compare.Column {
	t.Helper()
	name, value, ok := strings.Cut(w, "=")
	if !ok {
		t.Fatalf("%q is no column", w)
	}
	c := compare.Column{Type: "integer", Value: value}
	name, to, refers := strings.Cut(name, ">")
	if dot := strings.LastIndexByte(to, '.'); refers {
		c.References = compare.Reference{Table: to[:dot], Column: to[dot+1:]}
	}
	name, c.Generated = strings.CutSuffix(name, "#")
	c.Name, c.Key = strings.CutSuffix(name, "*")
	switch {
	case value == "null":
		c.Null, c.Value, c.Type = true, "", "text"
	case value == "~":
		c.Unchanged, c.Value, c.Type = true, "", "text"
	case strings.HasPrefix(value, "'{") || strings.HasPrefix(value, "'["):
		c.Type, c.Value = "jsonb", strings.Trim(value, "'")
	case strings.HasPrefix(value, "'20") && strings.Contains(value, ":"):
		c.Type, c.Value = "timestamp with time zone", strings.ReplaceAll(strings.Trim(value, "'"), "T", " ")
	case strings.HasPrefix(value, "'"):
		c.Type, c.Value = "text", strings.Trim(value, "'")
	}
	return c
}

// writing is an answer of a request that wrote these rows.
func writing(t *testing.T, text string) *compare.Exchange {
	e := answer("", "")
	e.Writes = rows(t, text)
	return e
}

func TestWrites(t *testing.T) {
	type R = []compare.Rule
	tests := []struct {
		reason      string
		rules       R
		legacy, new string
		want        []string
	}{
		{"the same", nil, "insert a x='1' n=5", "insert a x='1' n=5", nil},
		{"numbers by value", nil, "insert a n=1.50", "insert a n=1.5", nil},
		{"a column", nil, "insert accounts id=1 email='a@b'", "insert accounts id=2 email=null", []string{
			`writes table:accounts.email at table:accounts[0].email: "a@b" | null`, "forgiven 1 writes table:accounts.id: generated id"}},
		{"a column that one side has not", nil, "insert a x='1' y='2' z='3'", "insert a x='1' y='2'", []string{`writes table:a.z at table:a[0].z: "3" | `}},
		{"a row that new forgot", nil, "insert a x='1'\ninsert audits id=9 item='a'", "insert a x='1'", []string{`writes table:audits at table:audits[0]: insert {"id":9,"item":"a"} | `}},
		{"a row too many", nil, "insert a x='1'", "insert audits id=9 item='a'\ninsert a x='1'", []string{`writes table:audits at table:audits[0]:  | insert {"id":9,"item":"a"}`}},
		{"a trigger that fires twice", nil, "insert audits id=1 item='a'", "insert audits id=2 item='a'\ninsert audits id=3 item='a'", []string{
			`writes table:audits at table:audits[1]:  | insert {"id":3,"item":"a"}`, "forgiven 1 writes table:audits.id: generated id"}},
		{"one row more is one difference", nil, "insert a x='1'\ninsert a x='2'\ninsert a x='3'\ninsert a x='4'", "insert a x='0'\ninsert a x='1'\ninsert a x='2'\ninsert a x='3'\ninsert a x='4'",
			[]string{`writes table:a at table:a[0]:  | insert {"x":"0"}`}},
		{"an update of one row too many", nil, "update a id=1 n=5", "update a id=1 n=5\nupdate a id=2 n=5", []string{`writes table:a at table:a[1]:  | update {"id":2,"n":5}`}},
		{"an update of another row", nil, "update a id=1 n=5", "update a id=2 n=5", []string{
			`writes table:a at table:a[0]: update {"id":1,"n":5} | `, `writes table:a at table:a[0]:  | update {"id":2,"n":5}`}},
		{"another operation", nil, "update a id=1 n=5", "delete a id=1", []string{`writes table:a at table:a[0]: update {"id":1,"n":5} | delete {"id":1}`}},
		{"a key of two columns", nil, "delete t a*=1 b*=2", "delete t a*=1 b*=3", []string{
			`writes table:t at table:t[0]: delete {"a":1,"b":2} | `, `writes table:t at table:t[0]:  | delete {"a":1,"b":3}`}},
		{"the order of tables and rows means nothing", nil, "insert a x='1'\ninsert b y='2'\ninsert a x='3'", "insert b y='2'\ninsert a x='3'\ninsert a x='1'", nil},
		{"a truncated table", nil, "truncate a", "insert b x='1'", []string{`writes table:a at table:a[0]: truncate | `, `writes table:b at table:b[0]:  | insert {"x":"1"}`}},
		{"timestamps close to each other", nil, "insert a x='1' at='2026-03-04T05:06:07+00'", "insert a x='1' at='2026-03-04T05:06:07.25+00'", []string{"forgiven 1 writes table:a.at: timestamp"}},
		{"timestamps far apart", nil, "insert a x='1' at='2026-03-04T05:06:07+00'", "insert a x='1' at='2026-03-05T05:06:07+00'", []string{
			`writes table:a.at at table:a[0].at: "2026-03-04 05:06:07+00" | "2026-03-05 05:06:07+00"`}},
		{"references to new rows", nil, "insert orders id=10 n=1\ninsert items id=20 order_id=10 sku='x'", "insert orders id=11 n=1\ninsert items id=21 order_id=11 sku='x'", []string{
			"forgiven 1 writes table:items.id: generated id", "forgiven 1 writes table:items.order_id: generated id", "forgiven 1 writes table:orders.id: generated id"}},
		{"a reference by the name of the table", nil, "insert accounts id=10\ninsert tags account=10 tag='x'", "insert accounts id=11\ninsert tags account=11 tag='x'", []string{
			"forgiven 1 writes table:accounts.id: generated id", "forgiven 1 writes table:tags.account: generated id"}},
		{"a reference to another new row", nil, "insert orders id=10 n=1\ninsert orders id=11 n=2\ninsert items id=20 order_id=10 sku='x'", "insert orders id=12 n=1\ninsert orders id=13 n=2\ninsert items id=21 order_id=13 sku='x'", []string{
			"writes table:items.order_id at table:items[0].order_id: 10 | 13", "forgiven 1 writes table:items.id: generated id", "forgiven 2 writes table:orders.id: generated id"}},
		{"a reference to a row that was there", nil, "insert orders id=10 account_id=5", "insert orders id=11 account_id=6", []string{
			"writes table:orders.account_id at table:orders[0].account_id: 5 | 6", "forgiven 1 writes table:orders.id: generated id"}},
		{"an amount that is the next id is none", nil, "insert orders id=10 cents=10 note='x'", "insert orders id=11 cents=11 note='x'", []string{
			"writes table:orders.cents at table:orders[0].cents: 10 | 11", "forgiven 1 writes table:orders.id: generated id"}},
		{"an update of a row that was just inserted", nil, "insert a id=10 n=1\nupdate a id=10 n=2", "insert a id=11 n=1\nupdate a id=11 n=2", []string{"forgiven 2 writes table:a.id: generated id"}},
		{"UUIDs that were made up", nil, "insert a id='6f1c2b52-7a55-4d3f-9d0e-0b7b5a0e8f11' x='1'", "insert a id='0d1e7f6a-3c58-4a51-8d5c-2f6f3e9b7c22' x='1'", []string{"forgiven 1 writes table:a.id: generated id"}},
		{"a JSON column", nil, `insert a payload='{"items":[{"price":1},{"price":2}]}'`, `insert a payload='{"items":[{"price":1},{"price":3}]}'`, []string{
			"writes table:a.payload.items[*].price at table:a[0].payload.items[1].price: 2 | 3"}},
		{"a JSON column by value", nil, `insert a payload='{"a":1,"b":[1.0]}'`, `insert a payload='{"b":[1],"a":1}'`, nil},
		{"unchanged on one side", nil, "update a id=1 doc=~", "update a id=1 doc='x'", []string{"forgiven 1 writes table:a.doc: unchanged on one side"}},
		{"unchanged, known from the old row", nil, "update a id=1 doc='y' -> id=1 doc=~", "update a id=1 doc='x'", []string{`writes table:a.doc at table:a[0].doc: "y" | "x"`}},

		{"ignore a column", R{{Path: "table:a.x", Ignore: true}}, "insert a x='1' y='2'", "insert a x='3' y='2'", []string{"forgiven 1 writes table:a.x: rule table:a.x ignore"}},
		{"ignore a column of all tables", R{{Path: "table:*.x", Ignore: true}}, "insert a x='1' y='2'", "insert a x='3' y='2'", []string{"forgiven 1 writes table:a.x: rule table:*.x ignore"}},
		{"ignore a table", R{{Path: "table:a", Ignore: true}}, "insert a x='1' y='2'\ninsert a x='7' y='8'", "insert a x='3' y='2'", []string{
			"forgiven 1 writes table:a: rule table:a ignore", "forgiven 1 writes table:a.x: rule table:a ignore"}},
		{"ignore a schema", R{{Path: "table:log", Ignore: true}}, "insert log.a x='1'", "", []string{"forgiven 1 writes table:log.a: rule table:log ignore"}},
		{"ignore a table by its odd name", R{{Path: "table:my-table", Ignore: true}}, "insert my-table x='1'", "", []string{"forgiven 1 writes table:my-table: rule table:my-table ignore"}},
		{"ignore counts is not for rows", R{{Path: "table:a", Ignore: true, Kind: compare.KindFootprint}}, "insert a x='1'", "", []string{`writes table:a at table:a[0]: insert {"x":"1"} | `}},
		{"within", R{{Path: "table:a.at", Within: "48h"}}, "insert a x='1' at='2026-03-04T05:06:07+00'", "insert a x='1' at='2026-03-05T05:06:07+00'", []string{"forgiven 1 writes table:a.at: rule table:a.at within 48h"}},
		{"tolerance", R{{Path: "table:a.n", Tolerance: "0.1"}}, "insert a n=1.5 x='1'", "insert a n=1.55 x='1'", []string{"forgiven 1 writes table:a.n: rule table:a.n tolerance 0.1"}},
		{"null is empty", R{{Path: "table:a.n", Empty: "missing"}}, "insert a n=null x='1'", "insert a n='' x='1'", []string{"forgiven 1 writes table:a.n: rule table:a.n empty missing"}},
		{"unordered in a JSON column", R{{Path: "table:a.tags", Unordered: true}}, `insert a tags='["x","y"]' n=1`, `insert a tags='["y","x"]' n=1`, []string{"forgiven 1 writes table:a.tags: rule table:a.tags unordered"}},
		{"a rule in a JSON column", R{{Path: "table:a.doc.items[*].price", Ignore: true}}, `insert a doc='{"items":[{"price":1}]}'`, `insert a doc='{"items":[{"price":2}]}'`, []string{
			"forgiven 1 writes table:a.doc.items[*].price: rule table:a.doc.items[*].price ignore"}},
		{"same", R{{Path: "table:a.code", Same: "code"}, {Path: "table:b.code", Same: "code"}}, "insert a code=5\ninsert b code=5", "insert a code=6\ninsert b code=7", []string{
			"writes table:b.code at table:b[0].code: 5 | 7", "forgiven 1 writes table:a.code: rule table:a.code same code"}},
		{"rules of bodies are not for tables", R{{Path: "$..x", Ignore: true}}, "insert a x='1' y='2'", "insert a x='3' y='2'", []string{`writes table:a.x at table:a[0].x: "1" | "3"`}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(writing(t, tt.legacy), writing(t, tt.new), mustCompile(t, tt.rules...)), tt.want)
		})
	}
}

// TestWritesOverFootprints holds that one fact is reported once.
func TestWritesOverFootprints(t *testing.T) {
	l, n := writing(t, "insert a x='1'"), writing(t, "")
	l.Footprint, n.Footprint = compare.Footprint{{"a", 1, 0, 0}}, compare.Footprint{}
	checkLines(t, compare.Exchanges(l, n, nil), []string{`writes table:a at table:a[0]: insert {"x":"1"} | `})
	n.Writes = nil // not known: level 1 is what there is
	checkLines(t, compare.Exchanges(l, n, nil), []string{"footprint table:a at table:a: inserted 1, updated 0, deleted 0 | inserted 0, updated 0, deleted 0"})
}

// TestWritesMapWithAnswers holds that a rule with same spans answers and tables.
func TestWritesMapWithAnswers(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$.id", Same: "a"}, compare.Rule{Path: "table:a.id", Same: "a"})
	exchange := func(id, row string) *compare.Exchange {
		e := answer("application/json", `{"id":`+id+`}`)
		e.Writes = rows(t, "insert a id="+row+" x='1'")
		return e
	}
	checkLines(t, compare.Exchanges(exchange("7", "7"), exchange("8", "8"), rules), []string{
		"forgiven 1 value $.id: rule $.id same a", "forgiven 1 writes table:a.id: rule table:a.id same a"})
	checkLines(t, compare.Exchanges(exchange("7", "7"), exchange("8", "9"), rules), []string{
		"writes table:a.id at table:a[0].id: 7 | 9", "forgiven 1 value $.id: rule $.id same a"})
	checkLines(t, compare.Exchanges(exchange("7", "7"), exchange("7", "9"), rules), []string{"writes table:a.id at table:a[0].id: 7 | 9"})
}
