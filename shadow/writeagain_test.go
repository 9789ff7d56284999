package shadow

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/txshadow"
)

const writingAgain = `  - {name: create, match: "POST /accounts", shadow: {run: both, budget: 5s, recheck: {writes: true}}}` + "\n"

// replies answers with one "STATUS {body}" after the other, the last one for ever.
func replies(list ...string) http.HandlerFunc {
	next := make(chan string, len(list))
	for _, s := range list {
		next <- s
	}
	last := list[len(list)-1]
	return func(w http.ResponseWriter, r *http.Request) {
		s := last
		select {
		case s = <-next:
		default:
		}
		e := said(s)
		answer(e.Status, string(e.Body))(w, r)
	}
}

// TestWritesRunAgain: both sides are run again before the live call, each
// rolled back, and what that says of each place.
func TestWritesRunAgain(t *testing.T) {
	for _, c := range []struct {
		reason      string
		legacy, new []string
		want        string
		calls       int // to each side
		rechecked   int
	}{
		{"nothing differs", []string{`201 {"n":1}`}, []string{`201 {"n":1}`}, "match", 1, 0},
		{"the same difference", []string{`201 {"n":1}`}, []string{`201 {"n":2}`}, "mismatch", 2, 1},
		{"legacy gives another value each time", []string{`201 {"n":1}`, `201 {"n":3}`}, []string{`201 {"n":2}`, `201 {"n":4}`}, "transient", 2, 1},
		{"new was wrong once", []string{`201 {"n":1}`}, []string{`201 {"n":2}`, `201 {"n":1}`}, "mismatch unsteady", 2, 1},
		{"another value with another status excuses nothing", []string{`201 {"n":1}`, `200 {"n":3}`}, []string{`201 {"n":2}`, `200 {"n":4}`}, "mismatch", 2, 1},
		{"a field that comes and goes excuses nothing", []string{`201 {"m":1,"n":1}`, `201 {"m":1}`}, []string{`201 {"m":1}`}, "mismatch", 2, 1},
		{"nor does a list that grows", []string{`201 [1]`, `201 [1,2]`}, []string{`201 [1,2]`}, "mismatch", 2, 1},
		{"legacy fails the second time", []string{`201 {"n":1}`, `500 {"n":1}`}, []string{`201 {"n":2}`}, "mismatch", 2, 1},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{rollback: "header", more: writingAgain}).proved(t)
			for s, list := range map[*server][]string{r.legacy: c.legacy, r.new: c.new} {
				for i := range list {
					list[i] = strings.Replace(list[i], " [", ` {"a":[`, 1)
					if strings.Contains(list[i], `"a":[`) {
						list[i] += "}"
					}
				}
				s.change(func(s *server) { s.app = replies(list...) })
			}
			p := r.write("create")
			for _, s := range []*server{r.legacy, r.new} {
				got := s.requests()
				if len(got) != c.calls {
					t.Errorf("%d calls before Before returned, want %d", len(got), c.calls)
				}
				for _, q := range got {
					if q.Mode != ModeRollback || !strings.Contains(q.Header.Get("Quack-Shadow"), ";budget=5000;") || q.Body != `{"name":"Ada"}` {
						t.Errorf("sent %+v", q)
					}
				}
			}
			p.Live(r.live(routes.Legacy, 201, `{}`))
			got := r.ledger.compared(t)
			if text, _, _ := strings.Cut(summary(got), ":"); text != c.want || got.Rechecked != c.rechecked || got.Live != "" || got.First != "legacy" {
				t.Errorf("%s, re-checked %d times; want %s and %d: %+v", summary(got), got.Rechecked, c.want, c.rechecked, got.Differences)
			}
			r.ledger.quiet(t)
			eventually(t, "its seat is free", func() bool { return r.Stats().Befores == 0 })
		})
	}
}

// TestWriteThatCanNotRunAgain: the difference stands as it is, and what the
// second run did wrong has the same consequences as in the first.
func TestWriteThatCanNotRunAgain(t *testing.T) {
	for _, c := range []struct {
		reason  string
		sign    func(h http.Header, id string, m Mode) // new's second acknowledgement
		latched bool
	}{
		{"out of its budget", func(h http.Header, id string, _ Mode) { newCodec(secret).acknowledge(h, id, "rolled-back", "budget") }, false},
		{"no acknowledgement", func(http.Header, string, Mode) {}, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{rollback: "header", more: writingAgain}).proved(t)
			r.legacy.change(func(s *server) { s.app = replies(`201 {"n":1}`, `201 {"n":3}`) })
			times := 0
			r.new.change(func(s *server) {
				s.app = replies(`201 {"n":2}`)
				s.sign = func(h http.Header, id string, m Mode) {
					if times++; times > 1 {
						c.sign(h, id, m)
						return
					}
					newCodec(secret).acknowledge(h, id, "rolled-back", "")
				}
			})
			r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
			if got := r.ledger.compared(t); got.Verdict != reports.Mismatch || got.Rechecked != 0 || len(got.Differences) != 1 {
				t.Errorf("recorded %+v", got)
			}
			if leaks := r.latches.all(); (len(leaks) == 1) != c.latched {
				t.Errorf("latched %+v", leaks)
			}
			r.ledger.quiet(t)
		})
	}
}

// TestNothingRunsAgainBesideLive: when the first run has taken all of its time
// the live call is under way, and nothing more is sent.
func TestNothingRunsAgainBesideLive(t *testing.T) {
	slow := `  - {name: create, match: "POST /accounts", shadow: {run: both, budget: 1ms, recheck: {writes: true}}}` + "\n"
	r := newRig(t, options{rollback: "header", more: slow, change: func(c *Config) { c.Grace = patience }}).proved(t)
	release := make(chan struct{})
	r.legacy.change(func(s *server) { s.app = replies(`201 {"n":1}`) })
	r.new.change(func(s *server) { s.app = held(release, replies(`201 {"n":2}`)) })
	p := r.write("create")
	close(release)
	p.Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipBudget)
	eventually(t, "its seat is free", func() bool { return r.Stats().Befores == 0 })
	if l, n := len(r.legacy.requests()), len(r.new.requests()); l != 1 || n != 1 {
		t.Errorf("%d writes were sent to legacy and %d to new", l, n)
	}
}

// TestTimeToRunAgain: more time is given only as long as Before waits, and
// Before waits for it.
func TestTimeToRunAgain(t *testing.T) {
	p := &Pending{until: time.Now().Add(time.Hour), confirmed: make(chan struct{})}
	returned := make(chan struct{})
	go func() { defer close(returned); p.wait() }()
	if !p.extend(50 * time.Millisecond) {
		t.Fatal("no more time although Before waits")
	}
	p.confirm()
	<-returned
	if p.extend(time.Hour) {
		t.Error("more time although Before has returned")
	}
	p = &Pending{until: time.Now().Add(10 * time.Millisecond), confirmed: make(chan struct{})}
	if !p.extend(60 * time.Millisecond) {
		t.Fatal("no more time although Before has not begun to wait")
	}
	began := time.Now()
	if p.wait(); time.Since(began) < 40*time.Millisecond {
		t.Error("Before did not wait for what was given")
	}
}

// TestRealWritesRunAgain: on a real database, with generated ids and unique
// names, both runs leave nothing and find what is really different.
func TestRealWritesRunAgain(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), `CREATE TABLE accounts (id bigserial PRIMARY KEY, name text UNIQUE)`+";"+txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
	create := func(plan string) func(*txshadow.Pool, http.ResponseWriter, *http.Request) error {
		return func(db *txshadow.Pool, w http.ResponseWriter, r *http.Request) error {
			var id int
			if err := db.QueryRow(r.Context(), `INSERT INTO accounts (name) VALUES ('Ada') RETURNING id`).Scan(&id); err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, err := fmt.Fprintf(w, `{"id":%d,"plan":%q}`, id, plan)
			return err
		}
	}
	r := newRig(t, options{rollback: "header", more: writingAgain})
	adapted(t, r.legacy, dsn, create("free"))
	adapted(t, r.new, dsn, create("gratis"))
	r.proved(t)
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || c.Rechecked != 1 || len(c.Differences) != 2 ||
		c.Differences[0].Path != "$.id" || c.Differences[0].Verdict != reports.Transient || c.Differences[0].Kind != compare.KindValue ||
		c.Differences[1].Path != "$.plan" || c.Differences[1].Verdict != reports.Mismatch {
		t.Errorf("recorded %s, re-checked %d times: %+v", summary(c), c.Rechecked, c.Differences)
	}
	if len(r.latches.all()) != 0 {
		t.Errorf("latched %+v", r.latches.all())
	}
	var left int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM accounts`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows were left behind, %v", left, err)
	}
}
