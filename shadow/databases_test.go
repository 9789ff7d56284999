package shadow

import (
	"fmt"
	"sync"
	"testing"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// ledgerOfDatabases notes who was asked, and refuses those that it is told to.
type ledgerOfDatabases struct {
	mu     sync.Mutex
	refuse map[string]string
	seen   []string
	inside int
}

func (l *ledgerOfDatabases) Enter(database string) (func(), string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, database)
	if skip := l.refuse[database]; skip != "" {
		return func() {}, skip
	}
	l.inside++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.inside--
	}, ""
}

// Each database of the steps is asked once, one refusal leaves all that were
// entered and the seat, and backends without a database ask nobody.
func TestDatabasesAreAskedBeforeASeatIsKept(t *testing.T) {
	for _, c := range []struct {
		reason    string
		databases []string // of the steps
		refuse    map[string]string
		seen      string
		skip      string
	}{
		{"both sides on one", []string{"shop", "shop"}, nil, "[shop]", ""},
		{"one each", []string{"shop", "copy"}, nil, "[shop copy]", ""},
		{"none is named", []string{""}, nil, "[]", ""},
		{"the second refuses", []string{"shop", "copy"}, map[string]string{"copy": reports.SkipDatabase}, "[shop copy]", reports.SkipDatabase},
		{"full", []string{"shop"}, map[string]string{"shop": reports.SkipBusy}, "[shop]", reports.SkipBusy},
	} {
		l := &ledgerOfDatabases{refuse: c.refuse}
		d := New(Config{Databases: l})
		seat, ok := d.befores.take("new")
		if !ok {
			t.Fatal("no seat")
		}
		var steps []step
		entered := map[string]bool{}
		for _, name := range c.databases {
			steps = append(steps, step{backend: &routes.Backend{Name: "new", Database: name}})
			if name != "" {
				entered[name] = true
			}
		}
		skip := d.enter(steps, &seat)
		if skip != c.skip || fmt.Sprint(l.seen) != c.seen {
			t.Errorf("%s: skip %q, asked %v", c.reason, skip, l.seen)
		}
		if c.skip == "" {
			if l.inside != len(entered) || d.befores.taken() != 1 {
				t.Errorf("%s: %d entered, %d seats", c.reason, l.inside, d.befores.taken())
			}
			seat.leave()
		}
		if l.inside != 0 || d.befores.taken() != 0 {
			t.Errorf("%s: %d are still entered, %d seats taken", c.reason, l.inside, d.befores.taken())
		}
	}
}
