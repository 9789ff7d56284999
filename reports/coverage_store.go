package reports

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	// coverageBatch is how many routes' coverage a batch writes at once; when
	// more have changed, each is written every coverageEvery.
	coverageBatch = 200
	coverageEvery = 5 * time.Second
)

// coverSchema is the coverage of routes, see storedCover, and the differences
// that somebody has said to know.
const coverSchema = `
-- Which facets of a route's live requests were compared; data is JSON.
CREATE TABLE reports_coverage (
	route TEXT PRIMARY KEY,
	data  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Differences that a person knows of, by reports_groups.public_id.
CREATE TABLE reports_known (
	public_id TEXT PRIMARY KEY,
	at        INTEGER NOT NULL,
	by        TEXT NOT NULL,
	why       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

// unwrittenCover is what is to be added to the coverage of a route in the store.
type unwrittenCover struct {
	rc    *routeCover
	delta *cover
	sum   *cover // what the store then has
}

// take takes what has been counted and is to be written with this batch.
func (c *coverage) take(now time.Time) []*unwrittenCover {
	var changed []*routeCover
	for _, rc := range c.list("") {
		rc.mu.Lock()
		rc.settle(now)
		rc.forget()
		if rc.delta != nil {
			changed = append(changed, rc)
		}
		rc.mu.Unlock()
	}
	few := len(changed) <= coverageBatch || c.all.Load()
	var taken []*unwrittenCover
	for _, rc := range changed {
		rc.mu.Lock()
		if few || now.Sub(rc.since) >= coverageEvery {
			taken = append(taken, &unwrittenCover{rc: rc, delta: rc.delta})
			rc.delta = nil
		}
		rc.mu.Unlock()
	}
	return taken
}

// forget ends what lasts for a batch. The caller holds mu.
func (rc *routeCover) forget() {
	rc.changes = 0
	for i := range rc.retired {
		rc.retired[i].batches++
	}
	rc.retired = slices.DeleteFunc(rc.retired, func(r retired) bool { return r.batches > 2 })
}

// list is the coverage of a route, or of all sorted by name with "".
func (c *coverage) list(route string) []*routeCover {
	var list []*routeCover
	c.mu.RLock()
	for name, rc := range c.routes {
		if route == "" || name == route {
			list = append(list, rc)
		}
	}
	c.mu.RUnlock() // sorting keeps no request waiting
	slices.SortFunc(list, func(a, b *routeCover) int { return strings.Compare(a.route, b.route) })
	return list
}

// giveBack takes back what could not be written.
func giveBack(taken []*unwrittenCover) {
	for _, u := range taken {
		u.rc.mu.Lock()
		if u.rc.delta != nil {
			u.delta.merge(u.rc.delta)
		}
		u.rc.delta = u.delta
		u.rc.mu.Unlock()
	}
}

// written takes over what the store has now: another process may have added to it.
func written(taken []*unwrittenCover) {
	for _, u := range taken {
		u.rc.adopt(u.sum)
	}
}

func (rc *routeCover) adopt(sum *cover) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.delta != nil {
		sum.merge(rc.delta)
	}
	rc.sum = sum
}

// coverage adds to what the store has.
func (b *batchWriter) coverage(taken []*unwrittenCover) error {
	for _, u := range taken {
		query, err := b.statement(`SELECT data FROM reports_coverage WHERE route = ?`)
		if err != nil {
			return err
		}
		var data []byte
		sum := newCover(b.now)
		err = query.QueryRowContext(b.ctx, u.rc.route).Scan(&data)
		if err == nil {
			sum, err = decodeCover(u.rc.route, data)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		sum.merge(u.delta)
		err = b.exec(`INSERT INTO reports_coverage (route, data) VALUES (?, ?)
			ON CONFLICT (route) DO UPDATE SET data = excluded.data`, u.rc.route, sum.encode())
		if err != nil {
			return err
		}
		u.sum = sum
	}
	return nil
}

// loadCoverage reads what the store has. Routes that have counted meanwhile keep that.
func (r *Reports) loadCoverage(ctx context.Context) error {
	return eachRoute(ctx, r.db, `SELECT route, data FROM reports_coverage`, nil, func(route string, data []byte) error {
		sum, err := decodeCover(route, data)
		if err != nil {
			return err
		}
		if sum.turn(generationOf(time.Now())); len(sum.facets) > 0 {
			r.coverage.load(route, sum)
		}
		return nil
	})
}

func (c *coverage) load(route string, sum *cover) {
	c.mu.Lock()
	rc := c.routes[route]
	if rc == nil {
		c.routes[route] = newRouteCover(route, sum)
	}
	c.mu.Unlock()
	if rc != nil {
		rc.adopt(sum)
	}
}
