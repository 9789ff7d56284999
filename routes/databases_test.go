package routes

import (
	"strings"
	"testing"
	"time"
)

const withDatabase = `version: 1
backends:
  m: {urls: [http://127.0.0.1:3000]}
  n: {urls: [http://127.0.0.1:3001], rollback: header, database: shop}
  o: {urls: [http://127.0.0.1:3002], database: other}
databases: {shop: SETTINGS, other: }
defaults: {legacy: m, new: n}
routes:
  - {name: a, match: POST /a, stage: shadow, shadow: {budget: 400ms}}
  - {name: b, match: GET /b, stage: shadow, shadow: {budget: 9s}}
`

func TestDatabases(t *testing.T) {
	usual := Busy{Connections: 0.8, ReplicationLag: 10 * time.Second, OldestTransaction: 5 * time.Minute, RetainedWAL: 1 << 30, LocksWaiting: 20}
	none := usual
	none.ReplicationLag, none.LocksWaiting, none.Connections = 0, 3, 0.5
	for _, c := range []struct {
		reason, settings string
		want             Database
	}{
		{"defaults; the cap follows the longest budget of an unsafe route", "{}",
			Database{MaxShadows: 4, Watchdog: Watchdog{Grace: 100 * time.Millisecond, Cap: 1400 * time.Millisecond}, Busy: usual}},
		{"all stated", "{max_shadows: 2, watchdog: {grace: 0s, cap: 3s}, busy: {connections: 50%, replication_lag: off, locks_waiting: 3}}",
			Database{MaxShadows: 2, Watchdog: Watchdog{Cap: 3 * time.Second}, Busy: none}},
		{"off", "{watchdog: off, busy: off}",
			Database{MaxShadows: 4, Watchdog: Watchdog{Off: true, Grace: 100 * time.Millisecond, Cap: 1400 * time.Millisecond}}},
	} {
		table := parse(t, strings.Replace(withDatabase, "SETTINGS", c.settings, 1))
		list := table.ShadowDatabases()
		if len(list) != 1 || len(table.Databases()) != 2 {
			t.Fatalf("%s: %d databases that roll back, of %d", c.reason, len(list), len(table.Databases()))
		}
		d := *list[0]
		c.want.Name, c.want.Position, c.want.stated = "shop", d.Position, d.stated
		if got := d; got.Name != c.want.Name || got.MaxShadows != c.want.MaxShadows || got.Watchdog != c.want.Watchdog || got.Busy != c.want.Busy || got.Env() != "QUACK_DB_SHOP" {
			t.Errorf("%s: got %+v, want %+v", c.reason, got, c.want)
		}
	}
}

// What is stated of a database is shown by check, and what it means for live
// sessions by explain.
func TestDatabasesAreShown(t *testing.T) {
	table := parse(t, strings.Replace(withDatabase, "SETTINGS", "{max_shadows: 2, busy: {retained_wal: 2GiB, connections: off}}", 1))
	var b strings.Builder
	if err := table.WriteTree(&b); err != nil {
		t.Fatal(err)
	}
	if want := "database shop  DSN in QUACK_DB_SHOP  max_shadows: 2  busy.retained_wal: 2GiB  busy.connections: off\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no line %q in\n%s", want, b.String())
	}
	for target, want := range map[string]bool{"POST /a": true, "GET /b": false} {
		method, path, _ := strings.Cut(target, " ")
		b.Reset()
		table.Explain(method, path).WriteTo(&b)
		const line = "at most 2 shadow writes at once; one that a live session waits for longer than 100ms is ended (needs QUACK_DB_SHOP)"
		if strings.Contains(b.String(), line) != want {
			t.Errorf("%s: %t expected\n%s", target, want, b.String())
		}
	}
}
