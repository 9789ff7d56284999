package shadow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// rowLog is the rows that the servers of a test say they have written, by the
// name of their transaction: the adapters' log and its reader in one.
type rowLog struct {
	mu     sync.Mutex
	serial int
	away   error // why it can not be read
	rows   map[string]chan compare.WriteSet
}

func (l *rowLog) Expect(database string) (Expected, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away != nil || database != "shop" {
		return Expected{}, l.away
	}
	l.serial++
	gid := fmt.Sprintf("txshadow-test-%d", l.serial)
	rows := make(chan compare.WriteSet, 1)
	l.rows[gid] = rows
	return Expected{GID: gid, Rows: func(ctx context.Context) (compare.WriteSet, error) {
		select {
		case set := <-rows:
			return set, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}, Forget: func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.rows, gid)
	}}, nil
}

func (l *rowLog) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.rows)
}

// writes makes a server an application that writes rows of which the log knows,
// and counts them.
func (l *rowLog) writes(s *server, counted string, set func() compare.WriteSet) {
	s.change(func(s *server) {
		s.says = reasonPrepare
		s.app = func(w http.ResponseWriter, r *http.Request) {
			if m, err := s.codec.ReadShadow(r.Header); err == nil && m.GID != "" {
				l.mu.Lock()
				rows := l.rows[m.GID]
				l.mu.Unlock()
				if set := set(); rows != nil && set != nil {
					rows <- set
				}
			}
			w.WriteHeader(http.StatusCreated)
		}
		s.sign = func(h http.Header, id string, _ Mode) {
			s.codec.acknowledge(h, id, "rolled-back", "")
			h.Set("Quack-Footprint", counted)
		}
	})
}

func inserts(table, value string) compare.WriteSet {
	return compare.WriteSet{{Table: table, Op: compare.OpInsert, New: []compare.Column{{Name: "name", Type: "text", Value: value}}}}
}

// TestRowsAreComparedWhereBothArePrepared goes through what there is to be had of
// the rows of both sides.
func TestRowsAreComparedWhereBothArePrepared(t *testing.T) {
	ada := func() compare.WriteSet { return inserts("accounts", "Ada") }
	tests := []struct {
		reason      string
		new         func() compare.WriteSet
		counted     string // by both
		away        error
		mute        bool // new has not said that it prepares
		level, note string
		differences []string
	}{
		{"both are read", func() compare.WriteSet { return inserts("accounts", "Bob") }, inserted("public.accounts"), nil, false, "level 4", "", []string{"writes table:accounts.name"}},
		{"both wrote the same", ada, inserted("public.accounts"), nil, false, "level 4", "", nil},
		{"new is not read in time", func() compare.WriteSet { return nil }, inserted("public.accounts"), nil, false, "level 1", "the rows of new were not read: they had not come", nil},
		{"more was read than written", func() compare.WriteSet { return append(inserts("accounts", "Ada"), inserts("accounts", "Bob")...) }, inserted("public.accounts"), nil, false, "level 1",
			"the rows of new were not read: they do not agree with the counts", nil},
		{"the log can not be read", ada, inserted("public.accounts"), errors.New("the slot is lost"), false, "level 1", "the rows of legacy were not read: the slot is lost", nil},
		{"one side does not prepare", ada, inserted("public.accounts"), nil, true, "level 1", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			log := &rowLog{rows: map[string]chan compare.WriteSet{}, away: tt.away}
			r := newRig(t, options{rollback: "header", shadow: "budget: 10s",
				more:   `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n",
				change: func(c *Config) { c.WriteSets = log }})
			log.writes(r.legacy, tt.counted, ada)
			log.writes(r.new, tt.counted, tt.new)
			if tt.mute {
				r.new.change(func(s *server) { s.says = "" })
			}
			r.proved(t)
			r.write("create").Live(r.live(routes.Legacy, 201, ``))
			c := r.ledger.compared(t)
			var got []string
			for _, d := range c.Differences {
				got = append(got, string(d.Kind)+" "+d.Path)
			}
			if c.Writes != tt.level || !strings.HasPrefix(c.WritesNote, tt.note) || (c.WritesNote == "") != (tt.note == "") || fmt.Sprint(got) != fmt.Sprint(tt.differences) {
				t.Errorf("compared by %q (%q), found %q", c.Writes, c.WritesNote, got)
			}
			if n := r.Stats().RowsUnread; (n == 1) != (tt.note != "") {
				t.Errorf("%d comparisons are counted as without rows", n)
			}
			if n := r.Stats().RowsInserted; len(n) != 1 || n["accounts"] != 2 {
				t.Errorf("the rows that both sides inserted are counted as %v", n)
			}
			if n := log.open(); n != 0 {
				t.Errorf("%d transactions are still awaited", n)
			}
		})
	}
}

// TestInsertionsAreCountedWithinBounds holds that tables without end share a count.
func TestInsertionsAreCountedWithinBounds(t *testing.T) {
	var c insertions
	for i := range insertedMax + 5 {
		c.add(compare.Footprint{{Table: fmt.Sprint("t", i), Inserted: 2, Updated: 7}, {Table: "updated", Updated: 1}})
	}
	n := c.counts()
	if len(n) != insertedMax+1 || n["t0"] != 2 || n[OtherTables] != 10 {
		t.Errorf("%d tables, %d, %d", len(n), n["t0"], n[OtherTables])
	}
}

// TestRowsAreReadAgainForARecheck holds that a column in which legacy differs from
// itself excuses new there, and nowhere else.
func TestRowsAreReadAgainForARecheck(t *testing.T) {
	log := &rowLog{rows: map[string]chan compare.WriteSet{}}
	var mu sync.Mutex
	n := 0
	random := func(table string) func() compare.WriteSet {
		return func() compare.WriteSet {
			mu.Lock()
			defer mu.Unlock()
			n++
			return append(inserts("accounts", fmt.Sprint("lot ", n)), inserts(table, "Ada")...)
		}
	}
	r := newRig(t, options{rollback: "header", shadow: "budget: 10s",
		more:   `  - {name: create, match: "POST /accounts", shadow: {run: both, recheck: {writes: true}}}` + "\n",
		change: func(c *Config) { c.WriteSets = log }})
	log.writes(r.legacy, inserted("public.accounts", "public.audits"), random("audits"))
	log.writes(r.new, inserted("public.accounts", "public.tags"), random("tags"))
	r.proved(t)
	r.write("create").Live(r.live(routes.Legacy, 201, ``))
	c := r.ledger.compared(t)
	verdicts := map[string]reports.Verdict{}
	for _, d := range c.Differences {
		verdicts[d.Path] = d.Verdict
	}
	if c.Writes != "level 4" || c.Rechecked != 1 || verdicts["table:accounts.name"] != reports.Transient ||
		verdicts["table:audits"] != reports.Mismatch || verdicts["table:tags"] != reports.Mismatch || len(verdicts) != 3 {
		t.Errorf("rechecked %d times by %q: %v", c.Rechecked, c.Writes, verdicts)
	}
}
