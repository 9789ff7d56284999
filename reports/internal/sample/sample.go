// Package sample makes comparisons for the tests of reports and of those that
// write them out.
package sample

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// Noon is when the comparison 0 was made.
var Noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// Comparison is the n-th of route "show", without a difference.
func Comparison(n int) reports.Comparison {
	answer := func() compare.Exchange {
		body := []byte(fmt.Sprintf(`{"id":%d,"price":"10.00"}`, n))
		return compare.Exchange{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Size: int64(len(body))}
	}
	target := fmt.Sprintf("/ducks/%d?x=1", n)
	return reports.Comparison{
		ID: fmt.Sprintf("c%05d", n), At: Noon.Add(time.Duration(n) * time.Second),
		Route: "show", Stage: "shadow", Live: "legacy", First: "legacy", Verdict: reports.Match,
		Request: reports.Request{Method: "GET", Target: target, Host: "shop.example", Header: http.Header{"Accept": {"*/*"}}},
		Legacy:  reports.Side{Backend: "monolith", URL: "http://127.0.0.1:3000" + target, Answer: answer(), Latency: 12 * time.Millisecond},
		New:     reports.Side{Backend: "ducks", URL: "http://127.0.0.1:4000" + target, Answer: answer(), Latency: 10 * time.Millisecond},
	}
}

func Request(method, target string, h http.Header, body []byte) *reports.Comparison {
	c := Comparison(1)
	c.Request = reports.Request{Method: method, Target: target, Host: "127.0.0.1:3000", Header: h, Body: body, BodySize: int64(len(body))}
	c.Legacy.URL, c.New.URL = "http://127.0.0.1:3000"+target, "http://127.0.0.1:4000"+target
	return &c
}

// Differing is the n-th, with a difference at a path.
func Differing(n int, path string, kind compare.Kind, verdict reports.Verdict) reports.Comparison {
	c := Comparison(n)
	c.Verdict = verdict
	c.Differences = []reports.Found{{Verdict: verdict, Difference: compare.Difference{
		Path: path, At: path, Kind: kind, Legacy: `"10.00"`, New: fmt.Sprintf(`"10.%02d"`, n), Weight: 0.5,
	}}}
	return c
}

// Full is a comparison as it comes from the store.
func Full() *reports.Comparison {
	c := Differing(7, "$.items[*].price", compare.KindValue, reports.Mismatch)
	c.Differences[0].At = "$.items[3].price"
	c.Differences = append(c.Differences, reports.Found{Verdict: reports.Noise, Difference: compare.Difference{Path: "$.bio", At: "$.bio", Kind: compare.KindMissing, Legacy: "\"\x1b]0;title\a\""}})
	c.Forgiven = []compare.Forgiven{{Path: "$.at", At: "$.at", Kind: compare.KindValue, Reason: "timestamp", Rule: -1, Legacy: `"12:00:00.1"`, New: `"12:00:00.2"`, Count: 1_200}}
	c.Unsteady, c.Rechecked, c.Writes, c.Unlisted, c.ByPosition = true, 2, "footprint", 1_200, []string{"$.items"}
	c.Request.Method, c.Request.Target = "POST", "/ducks?token=[redacted:ab12cd34]"
	c.Request.Header.Set("Authorization", "Bearer [redacted:12345678]")
	c.Request.Header.Set("Content-Type", "application/json")
	c.Request.Body = []byte(`{"name":"O'Malley","tags":["a","b"]}`)
	c.Request.BodySize = 36
	c.Legacy.URL = "http://127.0.0.1:3000/ducks?token=[redacted:ab12cd34]"
	c.New.URL = "http://127.0.0.1:4000/v2/ducks?token=[redacted:ab12cd34]"
	c.Legacy.Answer.Footprint = compare.Footprint{{Table: "audit", Inserted: 1}, {Table: "ducks", Inserted: 1}}
	c.New.Answer.Footprint = compare.Footprint{{Table: "ducks", Inserted: 1}}
	c.Legacy.Answer.Effects = compare.Effects{{Name: "mail:DuckMailer.hatched", Count: 1}}
	c.New.Answer.Status = 201
	c.New.Answer.Header.Set("Location", "/ducks/7")
	c.New.Answer.Header.Set("X-Long", strings.Repeat("abcdefgh ", 9))
	c.New.Answer.Body, c.New.Answer.Size, c.New.BodyNote = nil, 2_000_000, "not kept: too large"
	return &c
}
