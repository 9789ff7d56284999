package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

const (
	feeders      = 4  // goroutines that record, as the workers of a shadow do
	feederRoutes = 25 // of each feeder alone
	routePlaces  = 5  // of a route at which answers differ
)

// planned is what a feeder does as its n-th. It follows from n, so that what
// was counted can be held against what was sent, however far a feeder came.
type planned struct {
	route    string
	verdict  reports.Verdict
	places   []int // that differ
	forgiven bool  // two timestamps, at one place
	skipped  bool  // another request of the route was not compared
	dropped  bool  // another one found the queue full
}

// plannedAt: one in twenty differs, of which three in five for good.
func plannedAt(feeder, n int) planned {
	x := scatter(uint64(feeder)<<40 | uint64(n))
	p := planned{route: feederRoute(feeder, int(x%feederRoutes)), verdict: reports.Match}
	switch share := x >> 8 % 1000; {
	case share < 30:
		p.verdict = reports.Mismatch
	case share < 40:
		p.verdict = reports.Transient
	case share < 50:
		p.verdict = reports.Noise
	case share < 52:
		p.verdict = reports.Error
	}
	if p.verdict != reports.Match && p.verdict != reports.Error {
		p.places = []int{int(x >> 20 % routePlaces)}
		if x>>30%8 == 0 {
			p.places = append(p.places, (p.places[0]+1)%routePlaces)
		}
	}
	p.forgiven = p.verdict != reports.Error && x>>40%3 == 0
	p.skipped, p.dropped = x>>44%50 == 0, x>>50%100 == 0
	return p
}

// scatter is the finaliser of SplitMix64.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func feederRoute(feeder, i int) string { return fmt.Sprintf("feeder%d.route%02d", feeder, i) }

// feeder records what is planned for it.
type feeder struct {
	number int
	bodies [1 + routePlaces][]byte // answers of 1 KiB: the usual one, and one for each place that differs
}

func newFeeder(number int) *feeder {
	f := &feeder{number: number}
	for i := range f.bodies {
		f.bodies[i] = answerBody(i - 1)
	}
	return f
}

// answerBody is an answer that differs from the usual one at a place, below 0
// at none. It holds a secret.
func answerBody(place int) []byte {
	b := []byte(`{"token":"a-secret-that-is-never-kept","ducks":[`)
	for i := range 14 {
		b = fmt.Appendf(b, `{"id":%d,"name":"Daisy Duck","street":"1313 Webfoot Walk"},`, i)
	}
	b = append(b, `{}],"fields":{`...)
	for i := range routePlaces {
		value := "as it should be"
		if i == place {
			value = "another one"
		}
		b = fmt.Appendf(b, `"field%d":%q,`, i, value)
	}
	return append(b, `"last":1}}`...)
}

// do records the n-th.
func (f *feeder) do(r *reports.Reports, n int) {
	p := plannedAt(f.number, n)
	legacy, new := time.Duration(1+n%97)*time.Millisecond, time.Duration(1+n%89)*time.Millisecond
	r.Served(p.route, "shadow", "legacy", http.StatusOK, legacy)
	c := reports.Comparison{
		ID: "f" + strconv.Itoa(f.number) + "-" + strconv.Itoa(n), At: time.Now(), Route: p.route, Stage: "shadow", Live: "legacy", First: "legacy",
		Request: reports.Request{Method: "GET", Target: "/ducks/" + strconv.Itoa(n), Host: "soak.example", Header: http.Header{"Accept": {"*/*"}, "Authorization": {"Bearer abc-123456"}}},
		Verdict: p.verdict,
	}
	other := f.bodies[0]
	if len(p.places) > 0 {
		other = f.bodies[1+p.places[0]]
	}
	c.Legacy, c.New = f.side("monolith", f.bodies[0], legacy), f.side("ducks", other, new)
	for _, place := range p.places {
		path := placePath(place)
		c.Differences = append(c.Differences, reports.Found{Verdict: p.verdict, Difference: compare.Difference{
			Path: path, At: path, Kind: compare.KindValue, Legacy: `"as it should be"`, New: `"another one"`,
		}})
	}
	if p.forgiven {
		c.Forgiven = []compare.Forgiven{{Path: "$.at", At: "$.at", Kind: compare.KindValue, Reason: "timestamp", Rule: -1, Legacy: `"a"`, New: `"b"`, Count: 2}}
	}
	if p.verdict == reports.Error {
		c.Err = "the answer of new broke off"
	}
	r.Record(c)
	if p.skipped {
		r.Skip(p.route, reports.SkipBudget)
	}
	if p.dropped {
		r.Drop(p.route)
	}
}

func placePath(place int) string { return "$.fields.field" + strconv.Itoa(place) }

func (f *feeder) side(backend string, body []byte, latency time.Duration) reports.Side {
	return reports.Side{
		Backend: backend, URL: "http://127.0.0.1:3000/ducks", Latency: latency,
		Answer: compare.Exchange{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Size: int64(len(body))},
	}
}
