package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// long is longer than any budget here and whatever a busy machine adds to it.
const long = 30 * time.Second

func slow(name string, d time.Duration) request {
	return post("/slow", fields{"ms": d.Milliseconds(), "name": name})
}

// checkBudget: at the budget the statement under way is cancelled, and the
// rows that it held are free for those who wait.
func checkBudget(t *testing.T, s *suite) {
	r := slow("plums", long).shadow()
	r.budget = 1500 * time.Millisecond
	s.db.unchanged(t, func() {
		pending := s.sendAway(s.marked(t, r))
		s.db.sleeping(t)
		// The shadow holds the name: this waits for its end.
		s.db.exec(t, "SET statement_timeout = '"+(long/2).String()+"'; INSERT INTO items (name) VALUES ('plums'); RESET statement_timeout")
		wantEnded(t, pending(t), "budget")
		s.db.exec(t, "DELETE FROM items WHERE name = 'plums'; DELETE FROM audits WHERE item = 'plums'")
		s.db.settles(t)
	})
}

// wantEnded wants a shadow to have been rolled back for reason, and not to have
// been waited for.
func wantEnded(t *testing.T, out reply, reason string) {
	t.Helper()
	if !out.rolledBackFor(reason) {
		t.Errorf("acknowledged %+v, %v, want reason=%s\n%d %s", out.ack, out.err, reason, out.status, out.body)
	}
	if out.took > long/2 {
		t.Errorf("the answer took %v", out.took)
	}
}

// checkLocks: a shadow does not wait for the locks of live transactions, and
// says so.
func checkLocks(t *testing.T, s *suite) {
	conn := connect(t, s.db.dsn)
	ctx := context.Background()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, "UPDATE items SET qty = qty + 1"); err != nil {
		t.Fatal(err)
	}
	out := s.do(t, s.marked(t, post("/transfer", fields{"from": "apples", "to": "pears", "qty": 1}).shadow()))
	wantEnded(t, out, "unsupported:lock-timeout")
	if err := tx.Commit(ctx); err != nil {
		t.Errorf("the live transaction: %v", err)
	}
}

// checkTogether: shadows at once are kept apart, and what is too much is
// acknowledged as such.
func checkTogether(t *testing.T, s *suite) {
	const n = 8
	outs, errs := make([]reply, n), make([]error, n)
	s.db.unchanged(t, func() {
		var all sync.WaitGroup
		for i := range n {
			h := s.marked(t, slow(fmt.Sprint("together-", i), 300*time.Millisecond).shadow())
			all.Go(func() { outs[i], errs[i] = s.try(h) })
		}
		all.Wait()
		s.db.settles(t)
	})
	ran := 0
	for i, out := range outs {
		switch {
		case errs[i] != nil:
			t.Error(errs[i])
		case out.err != nil || out.ack.Outcome != txshadow.RolledBack:
			t.Errorf("no acknowledgement: %v\n%d %s", out.err, out.status, out.body)
		case out.ack.Reason == "":
			ran++
			if out.status != http.StatusCreated {
				t.Errorf("answered with %d %s", out.status, out.body)
			}
			wantFootprint(t, out, created(1))
		case !strings.HasPrefix(out.ack.Reason, "unsupported:busy"):
			t.Errorf("reason %q", out.ack.Reason)
		}
	}
	if ran == 0 {
		t.Error("all of them were too many")
	}
	if out := s.live(t, post("/items", fields{"name": "plums"})); out.status != http.StatusCreated {
		t.Errorf("a live write after them: %d %s", out.status, out.body)
	}
}
