package compare_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
)

// fresh is a kind of value that each side makes anew for each answer.
type fresh struct {
	name  string
	write func(now time.Time, r *rand.Rand) string // as JSON
}

func clock(layout string) func(time.Time, *rand.Rand) string {
	return func(now time.Time, _ *rand.Rand) string { return now.Format(layout) }
}

var freshValues = []fresh{
	{"created_at", clock(`"2006-01-02T15:04:05.999999999Z"`)}, // zeros at the end are stripped
	{"updatedAt", clock(`"2006-01-02T15:04:05.000Z"`)},
	{"seen", clock(`"2006-01-02T15:04:05+00:00"`)},
	{"stored", clock(`"2006-01-02 15:04:05.000000+00"`)},
	{"printed", clock(`"Mon, 02 Jan 2006 15:04:05 GMT"`)},
	{"iat", func(now time.Time, _ *rand.Rand) string { return fmt.Sprint(now.Unix()) }},
	{"expires", func(now time.Time, _ *rand.Rand) string { return fmt.Sprint(now.Add(time.Hour).UnixMilli()) }},
	{"modified", func(now time.Time, _ *rand.Rand) string { return fmt.Sprint(now.UnixMicro()) }},
	{"timestamp", func(now time.Time, _ *rand.Rand) string { return fmt.Sprint(now.UnixNano()) }},
	{"reference", func(_ time.Time, r *rand.Rand) string { return quoted(uuidOf(4, r.Uint64(), r.Uint64())) }},
	{"event", func(now time.Time, r *rand.Rand) string {
		return quoted(uuidOf(7, uint64(now.UnixMilli())<<16|r.Uint64()&0xffff, r.Uint64()))
	}},
	{"ulid", func(now time.Time, r *rand.Rand) string { return quoted(ulidOf(now, r)) }},
	{"request_id", func(_ time.Time, r *rand.Rand) string { return fmt.Sprintf(`"%016x%016x"`, r.Uint64(), r.Uint64()) }},
}

func quoted(s string) string { return `"` + s + `"` }

// uuidOf sets the version and the variant of RFC 9562.
func uuidOf(version, high, low uint64) string {
	high = high&^0xf000 | version<<12
	low = low&^(3<<62) | 2<<62
	s := fmt.Sprintf("%016x%016x", high, low)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// ulidOf is 48 bits of time and 80 of chance in Crockford's base 32.
func ulidOf(now time.Time, r *rand.Rand) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [26]byte
	ms := uint64(now.UnixMilli())
	for i := range 10 {
		b[9-i] = letters[ms>>(5*i)&31]
	}
	for i := 10; i < 26; i++ {
		b[i] = letters[r.IntN(32)]
	}
	return string(b[:])
}

// service answers as one of two sides does: what it says of order n is the
// same on both, and the values of freshValues are its own.
type service struct {
	own  *rand.Rand
	skew time.Duration // of its answers
}

func newService(seed uint64, skew time.Duration) *service {
	return &service{own: rand.New(rand.NewPCG(seed, 1)), skew: skew}
}

// order is what a service says of one order, member by member.
type order struct {
	status int
	header []string
	names  []string
	values map[string]string
}

func (o *order) set(name, value string) {
	if _, known := o.values[name]; !known {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

func (o *order) drop(name string) {
	o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
}

func (s *service) order(n int) *order {
	shared := rand.New(rand.NewPCG(uint64(n), 2))
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).Add(time.Duration(n)*time.Second + s.skew + time.Duration(s.own.Int64N(2e9)))
	o := &order{status: 200, values: map[string]string{}}
	o.set("id", fmt.Sprint(n))
	o.set("state", quoted([]string{"open", "paid", "sent"}[shared.IntN(3)]))
	o.set("total", fmt.Sprintf("%d.%02d", shared.IntN(1000), shared.IntN(100)))
	o.set("note", []string{"null", `""`, `"gift"`}[shared.IntN(3)])
	o.set("tags", `["a","b","c"]`)
	var items []string
	for k := range 1 + shared.IntN(4) {
		f := freshValues[(n+k)%len(freshValues)]
		items = append(items, fmt.Sprintf(`{"sku":"%c%d","quantity":%d,"%s":%s}`, 'A'+k, shared.IntN(1000), 1+shared.IntN(9), f.name, f.write(now, s.own)))
	}
	o.set("items", "["+strings.Join(items, ",")+"]")
	for _, f := range freshValues {
		o.set(f.name, f.write(now, s.own))
	}
	var id [8]byte
	for i := range id {
		id[i] = byte(s.own.Uint32())
	}
	o.header = []string{
		"Content-Type: application/json", "Cache-Control: no-store", "Date: " + now.Format("Mon, 02 Jan 2006 15:04:05 GMT"),
		"X-Request-Id: " + hex.EncodeToString(id[:]), fmt.Sprintf(`ETag: "%x"`, s.own.Uint64()),
		fmt.Sprintf("X-Runtime: 0.%06d", s.own.IntN(1e6)), "Set-Cookie: seen=1; Path=/; Expires=" + now.Add(time.Hour).Format("Mon, 02 Jan 2006 15:04:05 GMT"),
	}
	return o
}

func (o *order) exchange() *compare.Exchange {
	var b strings.Builder
	for i, name := range o.names {
		fmt.Fprintf(&b, `%c"%s":%s`, separator(i), name, o.values[name])
	}
	b.WriteByte('}')
	e := &compare.Exchange{Status: o.status, Header: header(o.header...), Body: []byte(b.String()), Size: int64(b.Len())}
	e.Header.Set("Content-Length", fmt.Sprint(b.Len()))
	return e
}

// wrong is one wrong answer of new, and what must come of it.
type wrong struct {
	reason string
	spoil  func(o *order)
	path   string
	kind   compare.Kind
}

var wrongs = []wrong{
	{"a price", func(o *order) { o.set("total", "1000000.01") }, "$.total", compare.KindValue},
	{"a type", func(o *order) { o.set("id", quoted(o.values["id"])) }, "$.id", compare.KindType},
	{"a member lost", func(o *order) { o.drop("state") }, "$.state", compare.KindMissing},
	{"a member more", func(o *order) { o.set("debug", "true") }, "$.debug", compare.KindAdded},
	{"an element lost", func(o *order) { o.set("tags", `["a","c"]`) }, "$.tags", compare.KindLength},
	{"another order", func(o *order) { o.set("tags", `["c","b","a"]`) }, "$.tags", compare.KindOrder},
	{"a timestamp a day off", func(o *order) {
		o.set("created_at", strings.Replace(o.values["created_at"], "2026-03-0", "2026-04-0", 1))
	}, "$.created_at", compare.KindValue},
	{"a timestamp in another format", func(o *order) { o.set("seen", strings.Replace(o.values["seen"], "+00:00", "Z", 1)) }, "$.seen", compare.KindFormat},
	{"a timestamp that is null", func(o *order) { o.set("updatedAt", "null") }, "$.updatedAt", compare.KindType},
	{"a status", func(o *order) { o.status = 202 }, "status", compare.KindStatus},
	{"a header", func(o *order) { o.header[1] = "Cache-Control: public" }, "header:Cache-Control", compare.KindHeader},
	{"a request id lost", func(o *order) { o.header = slices.Delete(o.header, 3, 4) }, "header:X-Request-Id", compare.KindMissing},
	{"a cookie's path", func(o *order) { o.header[6] = strings.Replace(o.header[6], "Path=/", "Path=/x", 1) }, "cookie:seen", compare.KindHeader},
}

// TestAHundredThousandComparisons compares two services that are equal but for
// what they make anew: nothing is found without a rule. One answer in 10,000
// is wrong: each of these is found, at count 1, and is all that is found.
func TestAHundredThousandComparisons(t *testing.T) {
	t.Parallel()
	const answers, every = 100_000 / lessUnderRace, 10_000
	legacy, newer := newService(1, 0), newService(2, 300*time.Millisecond)
	want, got := map[string]int{}, map[string]int{}
	forgiven := map[string]int{}
	for n := range answers {
		l, w := legacy.order(n), newer.order(n)
		if n%every == every/2 {
			wrong := wrongs[n/every%len(wrongs)]
			wrong.spoil(w)
			want[fmt.Sprintf("%d %s %s", n, wrong.kind, wrong.path)]++
		}
		r := compare.Exchanges(l.exchange(), w.exchange(), nil)
		if r.Err != nil {
			t.Fatalf("order %d: %v", n, r.Err)
		}
		for _, d := range r.Differences {
			got[fmt.Sprintf("%d %s %s", n, d.Kind, d.Path)]++
		}
		for _, f := range r.Forgiven {
			forgiven[f.Reason]++
		}
	}
	for place, n := range got {
		if want[place] != n {
			t.Errorf("found %d times: %s", n, place)
		}
	}
	for place := range want {
		if got[place] == 0 {
			t.Errorf("not found: %s", place)
		}
	}
	for _, reason := range []string{compare.ReasonTimestamp, compare.ReasonGenerated, compare.ReasonVolatile} {
		if forgiven[reason] < answers {
			t.Errorf("%q was forgiven %d times in %d answers", reason, forgiven[reason], answers)
		}
	}
}

// TestEachWrongAnswer holds what the long test may not come to.
func TestEachWrongAnswer(t *testing.T) {
	for _, w := range wrongs {
		t.Run(w.reason, func(t *testing.T) {
			legacy, newer := newService(1, 0).order(17), newService(2, time.Second).order(17)
			w.spoil(newer)
			r := compare.Exchanges(legacy.exchange(), newer.exchange(), nil)
			if len(r.Differences) != 1 || r.Differences[0].Path != w.path || r.Differences[0].Kind != w.kind {
				t.Errorf("got %q, want %s %s", lines(r), w.kind, w.path)
			}
		})
	}
}

// TestFreshValues holds that each of them is forgiven without a rule.
func TestFreshValues(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	now := time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	for _, f := range freshValues {
		t.Run(f.name, func(t *testing.T) {
			for range 1000 {
				a := fmt.Sprintf(`{"id":7,"%s":%s}`, f.name, f.write(now.Add(time.Duration(r.Int64N(2e9))), r))
				b := fmt.Sprintf(`{"id":7,"%s":%s}`, f.name, f.write(now.Add(time.Duration(r.Int64N(2e9))), r))
				if got := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil); !got.Match() {
					t.Fatalf("%s\n%s\n%q", a, b, lines(got))
				}
			}
		})
	}
}

// separator stands before the i-th member.
func separator(i int) byte {
	if i == 0 {
		return '{'
	}
	return ','
}
