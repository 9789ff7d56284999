package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// seen is an observation of legacy against itself, of the pairs "a|b".
func seen(path string, kind compare.Kind, pairs ...string) compare.Observation {
	o := compare.Observation{Path: path, Kind: kind, Self: max(len(pairs), 3), Calls: 500}
	for _, p := range pairs {
		l, n, _ := strings.Cut(p, "|")
		o.Samples = append(o.Samples, compare.Sample{Legacy: l, New: n})
	}
	return o
}

// lines are suggestions, a line each.
func suggested(list []compare.Suggestion) []string {
	var lines []string
	for _, s := range list {
		line := s.Rule.String()
		if s.Person != "" {
			line += " (" + s.Person + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSuggest(t *testing.T) {
	const value, header = compare.KindValue, compare.KindHeader
	one := func(o compare.Observation) []compare.Observation { return []compare.Observation{o} }
	with := func(o compare.Observation, change func(*compare.Observation)) []compare.Observation {
		change(&o)
		return one(o)
	}
	tests := []struct {
		reason  string
		list    []compare.Observation
		inForce []compare.Rule
		want    []string
	}{
		{"timestamps, rounded up", one(seen("$.at", value, `"2026-11-01T10:00:00Z"|"2026-11-01T10:01:03Z"`, `"2026-11-01T10:00:00Z"|"2026-11-01T10:04:10Z"`)), nil, []string{"$.at within 5m"}},
		{"timestamps in two formats", one(seen("$.at", value, `"2026-11-01T10:00:00Z"|"2026-11-01T10:01:03+00:00"`)), nil, []string{"$.at format timestamp"}},
		{"timestamps days apart", one(seen("$.at", value, `"2026-11-01T10:00:00Z"|"2026-11-09T10:01:03Z"`, `"2026-11-02T10:00:00Z"|"2026-10-09T10:01:03Z"`, `"2026-11-03T10:00:00Z"|"2026-12-09T10:01:03Z"`)), nil, []string{"$.at format timestamp"}},
		{"an epoch by name", one(seen("$.updated_at", value, "1772600767|1772600867")), nil, []string{"$.updated_at within 2m"}},
		{"a date header", one(seen("header:Expires", header, "Mon, 02 Mar 2026 00:00:00 GMT|Mon, 02 Mar 2026 01:10:00 GMT")), nil, []string{"header:Expires within 2h"}},
		{"days", one(seen("$.day", value, `"2026-11-01"|"2026-11-02"`)), nil, []string{"$.day within 24h"}},

		{"a small absolute spread", one(seen("$.score", value, "10.001|10.0037", "0.5|0.501")), nil, []string{"$.score tolerance 0.005"}},
		{"a spread that grows with the value", one(seen("$.views", value, "1000|1001", "1000000|1000900", "10|10.005")), nil, []string{"$.views tolerance 0.1%"}},
		{"strings that are numbers", one(seen("$.price", value, `"9.90"|"9.91"`, `"3.00"|"3.01"`)), nil, []string{"$.price tolerance 0.01"}},
		{"a spread that binary arithmetic has drawn out", one(seen("$.price", value, "85.4|85.41000000000001")), nil, []string{"$.price tolerance 0.02"}},
		{"members of any name", one(seen("$.account.*", value, "10|11", "7|8")), nil, []string{"$.account.* tolerance 1 (it is for members of any name: name those that may differ)"}},
		{"numbers far apart", one(seen("$.load", value, "1|900", "5|2", "7|1000")), nil, []string{"$.load format integer (it forgives any number: say whether none of them matters)"}},
		{"numbers and words", one(seen("$.load", value, `1|2`, `"low"|"high"`)), nil, []string{"$.load ignore kind value (it forgives any value: say whether none of them matters)"}},
		{"numbers out of size", one(seen("$.load", value, `1e999999999|2e999999999`)), nil, []string{"$.load format integer (it forgives any number: say whether none of them matters)"}},

		{"another order", one(seen("$.tags", compare.KindOrder)), nil, []string{"$.tags unordered"}},

		{"ids one to one", one(seen("$.order.id", value, `17|92`, `18|93`, `20|95`)), nil, []string{"$.order.id same order"}},
		{"ids that are not one to one", one(seen("$.order.id", value, `17|9200`, `17|9300`, `20|9500`)), nil, []string{"$.order.id format integer (it forgives any number: say whether none of them matters)"}},
		{"too few pairs to say so", one(seen("$.order.id", value, `17|9200`, `18|9300`)), nil, []string{"$.order.id format integer (it forgives any number: say whether none of them matters)"}},
		{"a toggle is no id", one(seen("header:X-Cache", header, "hit|miss", "miss|hit", "stale|expired")), nil, []string{"header:X-Cache ignore kind header (it forgives any value: say whether none of them matters)"}},
		{"UUIDs under any name", one(seen("$.ref", value, `"0b0c1f9e-3d5d-4a58-8d5a-000000000001"|"0b0c1f9e-3d5d-4a58-8d5a-00000000000a"`, `"0b0c1f9e-3d5d-4a58-8d5a-000000000002"|"0b0c1f9e-3d5d-4a58-8d5a-00000000000b"`, `"0b0c1f9e-3d5d-4a58-8d5a-000000000003"|"0b0c1f9e-3d5d-4a58-8d5a-00000000000c"`)), nil, []string{"$.ref same ref"}},
		{"a cookie whose attributes are equal", one(seen("cookie:sid", header, "sid=abcdefgh1234; Path=/|sid=abcdefgh1235; Path=/", "sid=bbcdefgh1234; Path=/|sid=bbcdefgh1235; Path=/", "sid=cbcdefgh1234; Path=/|sid=cbcdefgh1235; Path=/")), nil, []string{"cookie:sid same sid"}},
		{"the same ids in two places share a name", []compare.Observation{
			seen("$.account_id", value, `17|92`, `18|93`, `20|95`),
			seen("$.owner.account_id", value, `17|92`, `18|93`, `21|96`),
			seen("$.order_id", value, `170|192`, `180|193`, `200|195`),
		}, nil, []string{"$.account_id same account", "$.order_id same order", "$.owner.account_id same account"}},
		{"addresses", one(seen("$.link", value, `"https://a.example/1"|"https://b.example/2"`, `"https://a.example/1"|"https://c.example/2"`)), nil, []string{"$.link format uri"}},
		{"places whose ids contradict each other do not", []compare.Observation{
			seen("$.account_id", value, `17|92`, `18|93`, `20|95`),
			seen("$.owner.account_id", value, `17|92`, `18|94`, `21|96`),
		}, nil, []string{"$.account_id same account", "$.owner.account_id same account-2"}},
		{"a name that is taken", one(seen("$.account_id", value, `17|92`, `18|93`, `20|95`)),
			[]compare.Rule{{Path: "$.x", Same: "account"}}, []string{"$.account_id same account-2"}},

		{"there is a rule already", one(seen("$.tags", compare.KindOrder)), []compare.Rule{{Path: "$.tags", Unordered: true}}, nil},
		{"there is one, for another kind", one(seen("header:X-Cache", header, "hit|miss")), []compare.Rule{{Path: "header:X-Cache", Ignore: true, Kind: compare.KindMissing}}, []string{"header:X-Cache ignore kind header (it forgives any value: say whether none of them matters)"}},
		{"there is one, too narrow", one(seen("$.at", value, `"2026-11-01T10:00:00Z"|"2026-11-01T10:04:10Z"`)), []compare.Rule{{Path: "$.at", Within: "2m"}}, []string{"$.at within 5m"}},
		{"there is one, wide enough", one(seen("$.at", value, `"2026-11-01T10:00:00Z"|"2026-11-01T10:04:10Z"`)), []compare.Rule{{Path: "$.at", Within: "10m"}}, nil},

		{"only new differs, and legacy was asked", with(seen("$.score", value, "1.001|1.002"), func(o *compare.Observation) { o.Self, o.Others = 0, 7 }), nil,
			[]string{"$.score tolerance 0.001 (legacy did not differ from itself here in 500 calls: new does something else)"}},
		{"only new differs, and legacy was not asked", with(seen("$.score", value, "1.001|1.002"), func(o *compare.Observation) { o.Self, o.Calls, o.Others = 0, 0, 7 }), nil,
			[]string{"$.score tolerance 0.001 (nobody has seen legacy differ from itself here: calibrate the route to find out, or, for writes, say recheck: {writes: true})"}},
		{"seen once", with(seen("$.score", value, "1.001|1.002"), func(o *compare.Observation) { o.Self = 1 }), nil,
			[]string{"$.score tolerance 0.001 (legacy was seen to differ from itself here once only: the data may have changed in between)"}},
		{"seen by re-checks", with(seen("$.score", value, "1.001|1.002"), func(o *compare.Observation) { o.Self, o.Calls, o.Rechecks = 0, 0, 4 }), nil, []string{"$.score tolerance 0.001"}},

		{"a column", one(seen("table:accounts.score", compare.KindWrites, "10.001|10.0037", "0.5|0.501")), nil, []string{"table:accounts.score tolerance 0.005"}},
		{"ids in a table of another schema", one(seen("table:billing.orders.ref_no_id", compare.KindWrites, "17|92", "18|93", "20|95")), nil, []string{"table:billing.orders.ref_no_id same ref-no"}},
		{"an id in an answer and in a table", []compare.Observation{
			seen("$.account_id", value, "17|92", "18|93", "20|95"), seen("table:audits.ref_id", compare.KindWrites, "17|92", "18|93", "20|95"),
		}, nil, []string{"$.account_id same account", "table:audits.ref_id same account"}},
		{"a time in a table, and in its JSON", []compare.Observation{
			seen("table:jobs.run_at", compare.KindWrites, `"2026-11-01 10:00:00+00"|"2026-11-01 10:01:03+00"`), seen("table:jobs.args.at", compare.KindWrites, `"2026-11-01T10:00:00Z"|"2026-11-01T10:00:03Z"`),
		}, nil, []string{"table:jobs.args.at within 5s", "table:jobs.run_at within 2m"}},
		{"any value of a column is a person's say", one(seen("table:accounts.mood", compare.KindWrites, `"calm"|"wild"`, `"low"|"high"`, `"a"|"b"`)), nil, []string{
			"table:accounts.mood ignore kind writes (it forgives whatever is written there, and nothing: say whether none of it matters)"}},
		{"a column that legacy writes alike", with(seen("table:accounts.score", compare.KindWrites, "1.001|1.002"), func(o *compare.Observation) { o.Self, o.Others = 0, 7 }), nil,
			[]string{"table:accounts.score tolerance 0.001 (legacy did not differ from itself here in 500 calls: new does something else)"}},
		{"a row that is not there at times", one(seen("table:audits", compare.KindWrites, `insert {"id":1}|`, `insert {"id":2}|`, `|insert {"id":2}`)), nil, nil},
		{"a row to which something else is done", one(seen("table:billing.audits", compare.KindWrites, `update {"id":1}|delete {"id":1}`)), nil, nil},
		{"a column that is not there at times", one(seen("table:audits.n", compare.KindWrites, `1|2`, `3|4`, `5|`)), nil, nil},
		{"a null at times", one(seen("table:audits.n", compare.KindWrites, `1|2`, `3|4`, `5|null`)), nil, nil},
		{"another type in JSON", one(seen("table:audits.doc.n", compare.KindWrites, `1|"1"`)), nil, nil},
		{"another document", one(seen("table:audits.doc.n", compare.KindWrites, `[1]|[2]`)), nil, nil},
		{"counts", one(seen("table:audits", compare.KindFootprint, "inserted 1, updated 0, deleted 0|inserted 2, updated 0, deleted 0")), nil, nil},
		{"a safe request that writes", one(seen("table:audits", compare.KindWrites, "INSERT into audits|")), nil, nil},
		{"a rule for a column is there", one(seen("table:accounts.score", compare.KindWrites, "1.001|1.002")), []compare.Rule{{Path: "table:accounts.score", Tolerance: "0.01"}}, nil},

		{"values that are cut", one(seen("$.text", value, `"aaaa…|"bbbb…`)), nil, nil},
		{"many places", one(seen(compare.OtherPlaces, value, "1|2")), nil, nil},
		{"a line of text", one(seen("body", compare.KindBody, "a|b")), nil, nil},
		{"a whole answer that is one value", one(seen("$", value, `"abc"|"abd"`)), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			var rules *compare.Rules
			if tt.inForce != nil {
				compiled, errs := compare.Compile(tt.inForce)
				if errs != nil {
					t.Fatal(errs)
				}
				rules = compiled
			}
			got := suggested(compare.Suggest(tt.list, rules))
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// What the comparison is for is never suggested away, whatever legacy shows.
func TestNeverSuggested(t *testing.T) {
	for _, kind := range []compare.Kind{compare.KindType, compare.KindMissing, compare.KindAdded, compare.KindLength, compare.KindFormat,
		compare.KindStatus, compare.KindBody, compare.KindFootprint, compare.KindWrites} {
		for _, path := range []string{"$.a", "$.items[*]", "header:X-A", "status", "body", "table:accounts"} {
			if got := compare.Suggest([]compare.Observation{seen(path, kind, "1|2", "3|4", "5|6")}, nil); got != nil {
				t.Errorf("%s at %s: %v", kind, path, suggested(got))
			}
		}
	}
}

// A rule that is suggested forgives each pair of values that it was made of,
// and leaves what else can be wrong at the place to be seen.
func TestSuggestedRulesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%d.%03d", rapid.IntRange(-50, 5000).Draw(t, "whole"), rapid.IntRange(0, 999).Draw(t, "fraction"))
		})
		at := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf(`"2026-11-%02dT10:%02d:%02dZ"`, rapid.IntRange(1, 2).Draw(t, "day"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"))
		})
		word := rapid.Custom(func(t *rapid.T) string {
			return `"` + rapid.StringMatching(`[a-z0-9]{1,20}`).Draw(t, "word") + `"`
		})
		values := rapid.SampledFrom([]*rapid.Generator[string]{number, at, word}).Draw(t, "values")
		name := rapid.SampledFrom([]string{"at", "score", "account_id", "text"}).Draw(t, "name")
		o := compare.Observation{Path: "$." + name, Kind: compare.KindValue, Self: 9, Calls: 10}
		inTable := rapid.Bool().Draw(t, "in a table")
		if inTable {
			o.Path, o.Kind = "table:t.doc."+name, compare.KindWrites
		}
		for range rapid.IntRange(1, 6).Draw(t, "pairs") {
			p := compare.Sample{Legacy: values.Draw(t, "legacy"), New: values.Draw(t, "new")}
			if p.Legacy != p.New {
				o.Samples = append(o.Samples, p)
			}
		}
		for _, s := range compare.Suggest([]compare.Observation{o}, nil) {
			rules, errs := compare.Compile([]compare.Rule{s.Rule})
			if errs != nil {
				t.Fatalf("%v: %v", s.Rule, errs)
			}
			document := func(text string) *compare.Exchange { return answer("application/json", text) }
			if inTable {
				document = func(text string) *compare.Exchange {
					e := answer("", "")
					e.Writes = compare.WriteSet{{Table: "t", Op: compare.OpInsert, New: []compare.Column{{Name: "n", Type: "integer", Value: "1"}, {Name: "doc", Type: "jsonb", Value: text}}}}
					return e
				}
			}
			body := func(v string) *compare.Exchange { return document(`{"` + name + `":` + v + `}`) }
			for _, p := range o.Samples {
				if r := compare.Exchanges(body(p.Legacy), body(p.New), rules); !r.Match() {
					t.Fatalf("%s does not forgive %s against %s: %+v", s.Rule, p.Legacy, p.New, r.Differences)
				}
			}
			if s.Rule.Ignore && inTable { // all that differs in a table is of one kind
				continue
			}
			first := o.Samples[0].Legacy
			for _, other := range []string{"null", "true", "[]", "{}"} {
				if r := compare.Exchanges(body(first), body(other), rules); r.Match() {
					t.Fatalf("%s forgives %s against %s", s.Rule, first, other)
				}
			}
			if r := compare.Exchanges(body(first), document(`{}`), rules); r.Match() {
				t.Fatalf("%s forgives that the value is gone", s.Rule)
			}
		}
	})
}
