package admin_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/store"
)

const (
	benchRoutes      = 2000
	benchComparisons = 500 // of each route
	benchHours       = 48  // for which each has counters and groups
)

// BenchmarkPages is how long the server takes to make a page over 1,000,000
// comparisons of 2,000 routes, each with five differences and 48 hours of
// counters: whole requests over HTTP. On a machine that does other things besides,
// cpu-ms/page is the one to go by; it has the client's part in it.
func BenchmarkPages(b *testing.B) {
	w := newWorldOver(b, plantedStore(b))
	w.use(benchFile())
	for i := range benchRoutes {
		for range 4 {
			w.asked(benchRoute(i), "GET", "/v1/x?page=1", 200)
			w.asked(benchRoute(i), "GET", "/v1/x", 404)
		}
	}
	of := url.PathEscape(benchRoute(0))
	for _, page := range []struct{ name, path string }{
		{"overview", "/"}, {"overview-all-open", "/?open=*"}, {"overview-24h", "/?since=24h"}, {"overview-differs", "/?show=differs"},
		{"search", "/?q=orders"}, {"route", "/routes/" + of}, {"route-24h", "/routes/" + of + "?since=24h"},
		{"coverage", "/coverage"}, {"coverage-route", "/coverage?route=" + of}, {"comparisons", "/comparisons"}, {"audit", "/audit"},
	} {
		b.Run(page.name, func(b *testing.B) {
			size, before := 0, cpuTime(b)
			for b.Loop() {
				res, body := w.ask("GET", page.path, "")
				if res.StatusCode != 200 {
					b.Fatalf("%s: %s", page.path, res.Status)
				}
				size = len(body)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/page")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
			b.ReportMetric(float64(size)/1024, "KiB")
		})
	}
}

// cpuTime is what this process has used of all processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func benchRoute(i int) string {
	return fmt.Sprintf("%s.%d", []string{"accounts", "orders", "invoices", "carts", "users"}[i%5], i)
}

func benchFile() string {
	var f strings.Builder
	f.WriteString("version: 1\nbackends:\n  monolith: {urls: [http://127.0.0.1:3000], rollback: header}\n  accounts: {urls: [http://127.0.0.1:4000], rollback: header}\ndefaults: {legacy: monolith, new: accounts, stage: shadow}\nroutes:\n")
	for i := range benchRoutes {
		name := benchRoute(i)
		area, _, _ := strings.Cut(name, ".")
		fmt.Fprintf(&f, "  - {name: %s, match: GET /v%d/%s/part%d/%d}\n", name, 1+i%3, area, i%40, i)
	}
	return f.String()
}

// plantedStore is a store of benchRoutes routes: one is counted as the proxy
// counts, the others are copies of it.
func plantedStore(b *testing.B) *store.DB {
	b.Helper()
	db := storeOf(b)
	w := newWorldOver(b, db)
	route := benchRoute(0)
	w.use(benchFile())
	for i := range benchComparisons {
		legacy, new := `{"id":7,"a":1,"b":1,"c":1,"d":1,"e":1}`, `{"id":7,"a":1,"b":1,"c":1,"d":1,"e":1}`
		if i%20 == 3 { // 5 %
			name := string(rune('a' + i/20%5))
			new = strings.Replace(new, `"`+name+`":1`, `"`+name+`":2`, 1)
		}
		w.record(fmt.Sprintf("c%d", i), route, "GET", "/v1/x", exchange(200, legacy), exchange(200, new))
		w.reports.Served(route, "shadow", "legacy", 200, time.Duration(1+i%40)*time.Millisecond)
	}
	w.reports.Flush(b.Context())
	err := db.Write(b.Context(), func(tx *sql.Tx) error {
		for i := 1; i < benchRoutes; i++ {
			if err := copyRoute(tx, route, benchRoute(i)); err != nil {
				return err
			}
		}
		const hours = ` FROM %s, (WITH RECURSIVE h(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM h WHERE i < ?) SELECT i FROM h) WHERE width = 60`
		_, err := tx.Exec(`INSERT OR IGNORE INTO reports_counts (route, width, start, data) SELECT route, 3600, start - start % 3600 - 3600 * i, data`+fmt.Sprintf(hours, "reports_counts"), benchHours)
		if err == nil {
			_, err = tx.Exec(`INSERT OR IGNORE INTO reports_group_counts (group_id, width, start, count) SELECT group_id, 3600, start - start % 3600 - 3600 * i, count`+fmt.Sprintf(hours, "reports_group_counts"), benchHours)
		}
		if err == nil {
			err = plantHours(tx)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// plantHours notes the counters of all time as they stood a day ago, and at the
// hour after that, as a process does that runs for longer: half of those of now.
func plantHours(tx *sql.Tx) error {
	var plain []byte
	err := tx.QueryRow(`SELECT json_group_object(route, json_set(json_remove(CAST(data AS TEXT), '$.recent'),
		'$.matched', json_extract(CAST(data AS TEXT), '$.matched') / 2)) FROM reports_counts WHERE width = 0`).Scan(&plain)
	if err != nil {
		return err
	}
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		return err
	}
	defer packer.Close()
	hour := time.Now().Add(-24 * time.Hour).Truncate(time.Hour).Unix()
	var groups []byte
	if err := tx.QueryRow(`SELECT json_group_object(CAST(id AS TEXT), count / 2) FROM reports_groups`).Scan(&groups); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO reports_hourly (hour, counters, groups) VALUES (?1, ?3, ?4), (?2, ?3, ?4)`, hour, hour+3600, packer.EncodeAll(plain, nil), packer.EncodeAll(groups, nil))
	return err
}

func copyRoute(tx *sql.Tx, from, to string) error {
	for _, q := range []string{
		`INSERT INTO reports_counts (route, width, start, data) SELECT ?2, width, start, data FROM reports_counts WHERE route = ?1`,
		`INSERT INTO reports_groups (route, path, kind, verdict, reason, count, first_seen, last_seen, places, weighed)
			SELECT ?2, path, kind, verdict, reason, count, first_seen, last_seen, places, weighed FROM reports_groups WHERE route = ?1`,
		`INSERT INTO reports_group_counts (group_id, width, start, count)
			SELECT g.id, c.width, c.start, c.count FROM reports_group_counts c JOIN reports_groups f ON f.id = c.group_id AND f.route = ?1
			JOIN reports_groups g ON g.route = ?2 AND g.path = f.path AND g.kind = f.kind AND g.verdict = f.verdict AND g.reason = f.reason`,
	} {
		if _, err := tx.Exec(q, from, to); err != nil {
			return err
		}
	}
	return nil
}
