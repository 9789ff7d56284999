package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// moment is 2026-03-04T05:06:07Z in milliseconds since 1970.
const moment = 1772600767000

// chance is n bits of what looks like chance, the same for the same seed.
func chance(seed, n int) uint64 {
	x := uint64(seed+1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x ^ x>>31) >> (64 - n)
}

func version7(ms int64, seed int) string {
	return fmt.Sprintf("%08x-%04x-7%03x-9%03x-%012x", ms>>16, ms&0xffff, chance(seed, 12), chance(seed+1000, 12), chance(seed+2000, 48))
}

// timed is a UUID of version 1 or 6.
func timed(version int, ms int64, seed int) string {
	ticks := uint64(ms)*10_000 + 0x01b21dd213814000
	if version == 6 {
		return fmt.Sprintf("%08x-%04x-6%03x-8%03x-%012x", ticks>>28, ticks>>12&0xffff, ticks&0xfff, chance(seed, 12), chance(seed, 48))
	}
	return fmt.Sprintf("%08x-%04x-1%03x-8%03x-%012x", ticks&0xffffffff, ticks>>32&0xffff, ticks>>48, chance(seed, 12), chance(seed, 48))
}

func ulid(ms int64, seed int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [26]byte
	for i := 9; i >= 0; i-- {
		b[i] = alphabet[ms&31]
		ms >>= 5
	}
	for i := 10; i < 26; i++ {
		b[i] = alphabet[chance(seed*31+i, 5)]
	}
	return string(b[:])
}

func objectID(sec int64, seed int) string { return fmt.Sprintf("%08x%016x", sec, chance(seed, 64)) }

func TestGeneratedIDs(t *testing.T) {
	const generated = "($.id value: generated id)"
	a, b, c, d := version4(1), version4(2), version4(3), version4(4)
	for _, test := range []struct{ reason, legacy, new, want string }{
		{"UUIDs by chance", `{"id":"` + a + `"}`, `{"id":"` + b + `"}`, generated},
		{"the same in capitals on both sides", `{"id":"` + strings.ToUpper(a) + `"}`, `{"id":"` + strings.ToUpper(b) + `"}`, generated},
		{"capitals on one side are another way to write it", `{"id":"` + a + `"}`, `{"id":"` + strings.ToUpper(b) + `"}`, "$.id value"},
		{"one id in two cases is a difference", `{"id":"` + a + `"}`, `{"id":"` + strings.ToUpper(a) + `"}`, "$.id value"},
		{"one wrong digit is no other id", `{"id":"` + a + `"}`, `{"id":"` + a[:35] + string('0'+('9'-a[35])%9) + `"}`, "$.id value"},
		{"versions 4 and 7", `{"id":"` + a + `"}`, `{"id":"` + version7(moment, 2) + `"}`, "$.id value"},
		{"version 5 follows from a name", `{"id":"` + a[:14] + "5" + a[15:] + `"}`, `{"id":"` + b[:14] + "5" + b[15:] + `"}`, "$.id value"},
		{"another variant", `{"id":"` + a[:19] + "c" + a[20:] + `"}`, `{"id":"` + b[:19] + "c" + b[20:] + `"}`, "$.id value"},
		{"null is no id", `{"id":"` + a + `"}`, `{"id":null}`, "$.id type"},
		{"no id at all", `{"id":"` + a + `"}`, `{}`, "$.id missing"},

		{"version 7 of one moment", `{"id":"` + version7(moment, 1) + `"}`, `{"id":"` + version7(moment+900, 2) + `"}`, generated},
		{"version 7 of yesterday is stored", `{"id":"` + version7(moment, 1) + `"}`, `{"id":"` + version7(moment-86_400_000, 2) + `"}`, "$.id value"},
		{"version 1 of one moment", `{"id":"` + timed(1, moment, 1) + `"}`, `{"id":"` + timed(1, moment+30_000, 1) + `"}`, generated},
		{"version 1 of an hour before", `{"id":"` + timed(1, moment, 1) + `"}`, `{"id":"` + timed(1, moment-3_600_000, 1) + `"}`, "$.id value"},
		{"version 6 of one moment", `{"id":"` + timed(6, moment, 1) + `"}`, `{"id":"` + timed(6, moment+30_000, 2) + `"}`, generated},
		{"version 6 of an hour before", `{"id":"` + timed(6, moment, 1) + `"}`, `{"id":"` + timed(6, moment-3_600_000, 2) + `"}`, "$.id value"},
		{"version 1 by the form alone, with a time in 1582", `{"id":"0000180f-0000-1000-8000-00805f9b34fb"}`, `{"id":"00001810-0000-1000-8000-00805f9b34fb"}`, "$.id value"},
		{"ULIDs of one moment", `{"id":"` + ulid(moment, 1) + `"}`, `{"id":"` + ulid(moment+5, 2) + `"}`, generated},
		{"a ULID of yesterday", `{"id":"` + ulid(moment, 1) + `"}`, `{"id":"` + ulid(moment-86_400_000, 2) + `"}`, "$.id value"},
		{"ObjectIds of one moment", `{"_id":"` + objectID(moment/1000, 1) + `"}`, `{"_id":"` + objectID(moment/1000+1, 2) + `"}`, "($._id value: generated id)"},
		{"ObjectIds that were counted by hand", `{"_id":"` + strings.Repeat("0", 23) + `1"}`, `{"_id":"` + strings.Repeat("0", 23) + `2"}`, "$._id value"},
		{"24 digits under another name", `{"hash":"` + objectID(moment/1000, 1) + `"}`, `{"hash":"` + objectID(moment/1000+1, 2) + `"}`, "$.hash value"},

		{"a request id", `{"requestId":"req-8c1f9a02"}`, `{"requestId":"req-77b0e4d1"}`, "($.requestId value: generated id)"},
		{"a request id of another length", `{"request_id":"8c1f9a02"}`, `{"request_id":"8c1f9a021"}`, "$.request_id value"},
		{"a request id that is a sentence", `{"request_id":"not here"}`, `{"request_id":"no value"}`, "$.request_id value"},
		{"a trace of hexadecimal digits against one of base 62", `{"traceId":"0af7651916cd43dd8448eb211c80319c"}`, `{"traceId":"0zf7651916cd43dd8448eb211c80319z"}`, "$.traceId value"},
		{"the trace of ASP.NET", `{"traceId":"0HMVB3G7V8P6O:00000001"}`, `{"traceId":"0HMVB3G7V8P9K:00000002"}`, "($.traceId value: generated id)"},
		{"what looks like one under another name", `{"customer":"req-8c1f9a02"}`, `{"customer":"req-77b0e4d1"}`, "$.customer value"},

		{"in a link", `{"id":"/orders/` + a + `/lines/7"}`, `{"id":"/orders/` + b + `/lines/7"}`, generated},
		{"in a link with escapes", `{"id":"\/orders\/` + a + `"}`, `{"id":"/orders/` + b + `"}`, generated},
		{"two in a link", `{"id":"` + a + ":" + ulid(moment, 1) + `"}`, `{"id":"` + b + ":" + ulid(moment, 2) + `"}`, generated},
		{"in a link that differs elsewhere too", `{"id":"/orders/` + a + `/lines/7"}`, `{"id":"/orders/` + b + `/lines/8"}`, "$.id value"},
		{"a part of a longer word", `{"id":"x` + a + `"}`, `{"id":"x` + b + `"}`, "$.id value"},

		{"the same pair twice", `{"id":"` + a + `","u":"/` + a + `"}`, `{"id":"` + b + `","u":"/` + b + `"}`, "($.id value: generated id), ($.u value: generated id)"},
		{"one id has become two", `{"id":"` + a + `","u":"` + a + `"}`, `{"id":"` + b + `","u":"` + c + `"}`, "$.u value, ($.id value: generated id)"},
		{"two ids have become one", `{"id":"` + a + `","u":"` + c + `"}`, `{"id":"` + b + `","u":"` + b + `"}`, "$.u value, ($.id value: generated id)"},
		{"an id that is equal elsewhere", `{"id":"` + a + `","u":"` + a + `"}`, `{"id":"` + b + `","u":"` + a + `"}`, "$.id value"},
		{"two ids have changed places", `{"id":"` + a + `","u":"` + b + `"}`, `{"id":"` + b + `","u":"` + a + `"}`, "$.id value, $.u value"},
		{"a stored request id", `{"log":["aaaabbbb0","ccccdddd1"],"request_id":"aaaabbbb0"}`, `{"log":["aaaabbbb0","ccccdddd1"],"request_id":"eeeeffff2"}`, "$.request_id value"},

		{"new records in a list", `[{"id":"` + a + `","n":1},{"id":"` + b + `","n":2}]`, `[{"id":"` + c + `","n":1},{"id":"` + d + `","n":2}]`, "($[*].id value: generated id)"},
		{"new records in another order", `[{"id":"` + a + `","n":1},{"id":"` + b + `","n":2}]`, `[{"id":"` + d + `","n":2},{"id":"` + c + `","n":1}]`, "$ order, ($[*].id value: generated id)"},
		{"one more in front of new records", `[{"id":"` + a + `","n":1},{"id":"` + b + `","n":2}]`, `[{"id":"` + c + `","n":0},{"id":"` + d + `","n":1},{"id":"` + version4(5) + `","n":2}]`,
			"$ length, ($[*].id value: generated id)"},
		{"stored records in another order", `[{"id":"` + a + `"},{"id":"` + b + `"},{"id":"` + c + `"}]`, `[{"id":"` + b + `"},{"id":"` + c + `"},{"id":"` + a + `"}]`, "$ order"},
		{"stored ids in another order", `["` + a + `","` + b + `"]`, `["` + b + `","` + a + `"]`, "$ order"},
		{"a new record behind the stored ones", `[{"id":"` + a + `"},{"id":"` + b + `"}]`, `[{"id":"` + a + `"},{"id":"` + c + `"}]`, "($[*].id value: generated id)"},
		{"a record more in front of the stored ones", `[{"id":"` + a + `"},{"id":"` + b + `"}]`, `[{"id":"` + c + `"},{"id":"` + a + `"},{"id":"` + b + `"}]`, "$ length"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			if got := verdictText(compare.Exchanges(jsonAnswer(test.legacy), jsonAnswer(test.new), nil)); got != test.want {
				t.Errorf("%s\n%s\n got %s\nwant %s", test.legacy, test.new, got, test.want)
			}
			var none *compare.Rules
			off := compare.Exchanges(jsonAnswer(test.legacy), jsonAnswer(test.new), none.With(compare.Options{Off: compare.Generated}))
			if off.Match() || strings.Contains(verdictText(off), "generated") {
				t.Errorf("switched off: %s", verdictText(off))
			}
		})
	}
}

func TestGeneratedIDsAskedFor(t *testing.T) {
	a, b := version4(1), version4(2)
	for _, test := range []struct {
		reason  string
		request *compare.Request
		want    string
	}{
		{"nothing is known of the request", nil, "($.id value: generated id)"},
		{"another one", &compare.Request{Target: "/orders/" + version4(3), Body: []byte(`{"of":"` + version4(4) + `"}`)}, "($.id value: generated id)"},
		{"named in the path", &compare.Request{Target: "/orders/" + a}, "$.id value"},
		{"new's answer names it", &compare.Request{Target: "/orders/" + b}, "$.id value"},
		{"in capitals", &compare.Request{Target: "/orders/" + strings.ToUpper(a)}, "$.id value"},
		{"in the query, encoded", &compare.Request{Target: "/orders?id=" + strings.ReplaceAll(a, "-", "%2D")}, "$.id value"},
		{"named in the body", &compare.Request{Method: "POST", Target: "/orders", Body: []byte(`{"id":"` + a + `"}`)}, "$.id value"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			legacy, new := jsonAnswer(`{"id":"`+a+`"}`), jsonAnswer(`{"id":"`+b+`"}`)
			legacy.Request, new.Request = test.request, test.request
			if got := verdictText(compare.Exchanges(legacy, new, nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestGeneratedIDsOutsideJSON(t *testing.T) {
	a, b, c := version4(1), version4(2), version4(3)
	for _, test := range []struct {
		reason      string
		legacy, new *compare.Exchange
		want        string
	}{
		{"a field", textAnswer("", "Location: /orders/"+a), textAnswer("", "Location: /orders/"+b), "(header:Location header: generated id)"},
		{"a field and a line", textAnswer("order "+a+"\n", "Location: /orders/"+a), textAnswer("order "+b+"\n", "Location: /orders/"+b),
			"(header:Location header: generated id), (body value: generated id)"},
		{"a field that says another id than the line", textAnswer("order "+a+"\n", "Location: /orders/"+a), textAnswer("order "+c+"\n", "Location: /orders/"+b),
			"body value, (header:Location header: generated id)"},
		{"a field beside an equal body that has the id", textAnswer(a, "Location: /orders/"+a), textAnswer(a, "Location: /orders/"+b), "header:Location header"},
		{"a cookie", textAnswer("", "Set-Cookie: cart="+a+"; Path=/"), textAnswer("", "Set-Cookie: cart="+b+"; Path=/"), "(cookie:cart header: generated id)"},
		{"a cookie whose attributes differ too", textAnswer("", "Set-Cookie: cart="+a+"; Path=/"), textAnswer("", "Set-Cookie: cart="+b), "cookie:cart header"},
		{"an entity tag follows from the body", textAnswer("a", `Etag: "`+a+`"`), textAnswer("a", `Etag: "`+b+`"`), "(header:ETag header: validator of an equal body)"},
		{"a request id in a field of its own", textAnswer("", "X-My-Trace-Id: 8c1f9a02"), textAnswer("", "X-My-Trace-Id: 77b0e4d1"), "header:X-My-Trace-Id header"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			if got := verdictText(compare.Exchanges(test.legacy, test.new, nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestUnorderedWithIDs holds that made-up ids do not mislead a rule that takes
// elements in any order, and that stored ones lead it.
func TestUnorderedWithIDs(t *testing.T) {
	a, b, c, d := version4(1), version4(2), version4(3), version4(4)
	rules := mustCompile(t, compare.Rule{Path: "$", Unordered: true})
	for _, test := range []struct{ reason, legacy, new, want string }{
		{"stored", `["` + a + `","` + b + `","` + c + `"]`, `["` + c + `","` + a + `","` + b + `"]`, "($ order: rule $ unordered)"},
		{"made up", `[{"i":"` + a + `","n":1},{"i":"` + b + `","n":2}]`, `[{"i":"` + c + `","n":2},{"i":"` + d + `","n":1}]`,
			"($ order: rule $ unordered), ($[*].i value: generated id)"},
		{"one of each", `[{"i":"` + a + `"},{"i":"` + b + `"}]`, `[{"i":"` + c + `"},{"i":"` + a + `"}]`,
			"($ order: rule $ unordered), ($[*].i value: generated id)"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			if got := verdictText(compare.Exchanges(jsonAnswer(test.legacy), jsonAnswer(test.new), rules)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestOneWrongID plants one stored id of another record among made-up ones,
// each of which stands twice in the answer.
func TestOneWrongID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "records")
		wrong := rapid.IntRange(0, n-1).Draw(t, "wrong")
		second := rapid.Bool().Draw(t, "second")
		write := func(side int, planted bool) string {
			var parts []string
			for i := range n {
				id := version4(side*1000 + i)
				other := id
				if planted && i == wrong {
					stored := version4(9999)
					if second {
						other = stored
					} else {
						id = stored
					}
				}
				parts = append(parts, fmt.Sprintf(`{"n":%d,"id":%q,"self":"/r/%s"}`, i, id, other))
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		legacy := jsonAnswer(write(1, false))
		if r := compare.Exchanges(legacy, jsonAnswer(write(2, false)), nil); !r.Match() {
			t.Fatalf("without it: %s", verdictText(r))
		}
		r := compare.Exchanges(legacy, jsonAnswer(write(2, true)), nil)
		if len(r.Differences) != 1 || r.Differences[0].At != fmt.Sprintf("$[%d].self", wrong) {
			t.Fatalf("with it: %+v", r.Differences)
		}
	})
}

// TestSwitchingOffFindsMore holds that a built-in reason only ever forgives:
// without it there are the same differences, and those that it forgave.
func TestSwitchingOffFindsMore(t *testing.T) {
	values := []string{
		`"` + version4(1) + `"`, `"` + version4(2) + `"`, `"` + version7(moment, 1) + `"`, `"` + version7(moment+5, 2) + `"`, `"/a/` + version4(3) + `"`, `"/a/` + version4(4) + `"`,
		`"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:08Z"`, `"2026-03-04 05:06:08"`, `"1772600767"`, `"1772600768"`, `1772600767`, `1772600768`, `1`, `1.0`, `null`, `"x"`,
	}
	rapid.Check(t, func(t *rapid.T) {
		body := func(label string) string {
			drawn := rapid.SliceOfN(rapid.SampledFrom(values), 4, 4).Draw(t, label)
			return fmt.Sprintf(`{"id":%s,"created_at":%s,"request_id":%s,"free":%s}`, drawn[0], drawn[1], drawn[2], drawn[3])
		}
		legacy, new := jsonAnswer(body("legacy")), jsonAnswer(body("new"))
		draw := func(label string) compare.Options {
			o := compare.Options{Off: compare.Builtin(rapid.IntRange(0, 15).Draw(t, label))}
			if rapid.Bool().Draw(t, label+" numbers") {
				o.Numbers = compare.AsWritten
			}
			return o
		}
		some := draw("off")
		more := draw("off too")
		more.Off |= some.Off
		more.Numbers |= some.Numbers
		var none *compare.Rules
		first, second := compare.Exchanges(legacy, new, none.With(some)), compare.Exchanges(legacy, new, none.With(more))
		found := map[string]bool{}
		for _, d := range second.Differences {
			found[d.Path] = true
		}
		for _, d := range first.Differences {
			if !found[d.Path] {
				t.Fatalf("%s\n%s\nwith %v off %s is a difference, with %v it is not", legacy.Body, new.Body, some, d.Path, more)
			}
		}
		for _, f := range first.Forgiven {
			if f.Kind != compare.KindValue {
				t.Fatalf("%s is forgiven a %s", f.Path, f.Kind)
			}
		}
	})
}

// TestForgivenHidesNothing plants one real change in answers that differ in
// made-up ids and timestamps throughout: it is found, and it alone.
func TestForgivenHidesNothing(t *testing.T) {
	type change struct {
		kind compare.Kind
		at   string // behind the record
		do   func(record map[string]string)
	}
	changes := []change{
		{compare.KindMissing, ".id", func(r map[string]string) { delete(r, "id") }},
		{compare.KindType, ".id", func(r map[string]string) { r["id"] = "null" }},
		{compare.KindValue, ".id", func(r map[string]string) { r["id"] = `"unknown"` }},
		{compare.KindMissing, ".created_at", func(r map[string]string) { delete(r, "created_at") }},
		{compare.KindFormat, ".created_at", func(r map[string]string) { r["created_at"] = `"2026-03-04 05:06:09"` }},
		{compare.KindValue, ".created_at", func(r map[string]string) { r["created_at"] = `"2026-03-05T05:06:09Z"` }},
		{compare.KindType, ".request_id", func(r map[string]string) { r["request_id"] = "7" }},
		{compare.KindValue, ".total", func(r map[string]string) { r["total"] = "65.23" }},
		{compare.KindAdded, ".more", func(r map[string]string) { r["more"] = "true" }},
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "records")
		where := rapid.IntRange(0, n-1).Draw(t, "where")
		c := rapid.SampledFrom(changes).Draw(t, "change")
		write := func(side int, planted bool) string {
			var records []string
			for i := range n {
				r := map[string]string{
					"n": fmt.Sprint(i), "total": "65.22", "id": `"` + version4(side*1000+i) + `"`,
					"created_at": fmt.Sprintf(`"2026-03-04T05:06:%02dZ"`, 10*side+i%10), "request_id": fmt.Sprintf(`"%016x"`, chance(side*1000+i, 64)),
				}
				if planted && i == where {
					c.do(r)
				}
				var members []string
				for _, name := range []string{"n", "id", "created_at", "request_id", "total", "more"} {
					if r[name] != "" {
						members = append(members, fmt.Sprintf("%q:%s", name, r[name]))
					}
				}
				records = append(records, "{"+strings.Join(members, ",")+"}")
			}
			return "[" + strings.Join(records, ",") + "]"
		}
		r := compare.Exchanges(jsonAnswer(write(1, false)), jsonAnswer(write(2, true)), nil)
		if len(r.Differences) != 1 || r.Differences[0].Kind != c.kind || r.Differences[0].At != fmt.Sprintf("$[%d]%s", where, c.at) {
			t.Fatalf("planted %s at $[%d]%s, found %+v", c.kind, where, c.at, r.Differences)
		}
	})
}
