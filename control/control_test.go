package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a control over a real store, which can be restarted.
type world struct {
	t    *testing.T
	dir  string
	log  *lockedBuffer
	db   *store.DB
	gate *readonly.Gate
	*control.Control

	onSwap func(*routes.Table)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), log: &lockedBuffer{}}
	w.open()
	t.Cleanup(func() { w.db.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.db, err = store.Open(w.t.Context(), w.dir, readonly.Schema, control.Schema); err != nil {
		w.t.Fatal(err)
	}
	if w.gate, err = readonly.Open(w.t.Context(), w.db); err != nil {
		w.t.Fatal(err)
	}
	w.Control, err = control.Open(w.t.Context(), control.Config{
		Store: w.db, Gate: w.gate, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		OnSwap: func(t *routes.Table) {
			if w.onSwap != nil {
				w.onSwap(t)
			}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// restart closes the store and opens everything anew.
func (w *world) restart() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// use puts a file in force.
func (w *world) use(file string) {
	w.t.Helper()
	if err := w.Use(w.t.Context(), table(w.t, file)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(route, stage string, percent float64) error {
	return w.SetStage(w.t.Context(), route, routes.StageSetting{Stage: routes.Stage(stage), Percent: percent}, "ann", "because")
}

func (w *world) mustSet(route, stage string, percent float64) {
	w.t.Helper()
	if err := w.set(route, stage, percent); err != nil {
		w.t.Fatal(err)
	}
}

// stage is a route's stage in the table in force, "shadow" or "ramp 25%".
func (w *world) stage(route string) string {
	r := w.Table().Route(route)
	if r == nil {
		return "no such route"
	}
	if r.Stage == routes.StageRamp {
		return fmt.Sprintf("ramp %g%%", r.Percent)
	}
	return string(r.Stage)
}

func (w *world) wantStage(route, want string) {
	w.t.Helper()
	if got := w.stage(route); got != want {
		w.t.Errorf("%s is at %s, want %s", route, got, want)
	}
}

// audited is the audit from the oldest, one line an entry.
func (w *world) audited(skip ...string) []string {
	w.t.Helper()
	entries, err := w.Audit(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
next:
	for i := len(entries) - 1; i >= 0; i-- {
		for _, s := range skip {
			if entries[i].Action == s {
				continue next
			}
		}
		lines = append(lines, fmt.Sprintf("%s | %s | %s | %s", entries[i].By, entries[i].Action, entries[i].What, entries[i].Why))
	}
	return lines
}

func table(t *testing.T, file string) *routes.Table {
	t.Helper()
	parsed, err := routes.Parse("routes.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// file is a routes.yaml with a safe route (show) and an unsafe one (create) at
// these stages.
func file(show, create string) string { return fileWith("rollback: header", show, create) }

func fileWith(backend, show, create string) string {
	return fmt.Sprintf(`version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000], %[1]s}
  accounts: {urls: [http://127.0.0.1:4000], %[1]s}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: show, match: "GET /accounts/{id}", stage: %[2]s}
  - {name: create, match: POST /accounts, stage: %[3]s}
`, backend, show, create)
}

func TestTableIsNilBeforeUse(t *testing.T) {
	w := newWorld(t)
	if w.Table() != nil {
		t.Error("there is a table")
	}
	if err := w.set("show", "shadow", 0); err == nil {
		t.Error("a stage was set in no table")
	}
	if err := w.Use(t.Context(), nil); err == nil {
		t.Error("no table was put in force")
	}
	if _, err := w.Route("show"); err == nil {
		t.Error("there is a route")
	}
}

func TestLastLoad(t *testing.T) {
	w := newWorld(t)
	if at, err := w.LastLoad(); !at.IsZero() || err != nil {
		t.Errorf("before the first load: %v, %v", at, err)
	}
	w.use(file("legacy", "legacy"))
	first, err := w.LastLoad()
	if first.IsZero() || err != nil {
		t.Errorf("after a load: %v, %v", first, err)
	}
	inForce := w.Table()
	broken := errors.New("routes.yaml:3:1: unknown key")
	w.LoadFailed(broken)
	if at, err := w.LastLoad(); !at.Equal(first) || !errors.Is(err, broken) {
		t.Errorf("after a failure: %v, %v", at, err)
	}
	if w.Table() != inForce {
		t.Error("a file that does not load replaced the table")
	}
	if !strings.Contains(w.log.String(), "unknown key") {
		t.Error("the failure is not in the log")
	}
	w.use(file("shadow", "legacy"))
	if at, err := w.LastLoad(); at.Before(first) || err != nil {
		t.Errorf("after another load: %v, %v", at, err)
	}
}

func TestOnSwapComesFirst(t *testing.T) {
	w := newWorld(t)
	var seen []string
	w.onSwap = func(next *routes.Table) {
		inForce := "none"
		if now := w.Table(); now != nil {
			inForce = string(now.Route("show").Stage)
		}
		seen = append(seen, inForce+" -> "+string(next.Route("show").Stage))
	}
	w.use(file("legacy", "legacy"))
	w.mustSet("show", "shadow", 0)
	if err := w.set("show", "sideways", 0); err == nil {
		t.Error("an unknown stage was set")
	}
	want := "none -> legacy, legacy -> shadow"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("saw %s, want %s", got, want)
	}
}

func TestGateIsAudited(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Freeze(t.Context(), "ann", " \t", 0); !errors.Is(err, control.ErrNoWhy) {
		t.Errorf("frozen without a why: %v", err)
	}
	if w.gate.State().ReadOnly {
		t.Error("and the gate is closed")
	}
	s, err := w.Freeze(t.Context(), "ann", "moving accounts", 15*60*1e9)
	if err != nil || !s.ReadOnly || s.By != "ann" || s.Why != "moving accounts" {
		t.Fatalf("freeze: %+v, %v", s, err)
	}
	if _, err := w.Thaw(t.Context(), "bob", ""); !errors.Is(err, control.ErrNoWhy) {
		t.Errorf("thawed without a why: %v", err)
	}
	w.restart()
	if !w.gate.State().ReadOnly {
		t.Error("the gate is open after a restart")
	}
	if _, err := w.Thaw(t.Context(), "bob", "moved"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ann | readonly on | epoch 1, announced until " + s.Until.Format("2006-01-02T15:04:05Z07:00") + " | moving accounts",
		"bob | readonly off | epoch 2 | moved",
	}
	if got := w.audited(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("audit:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAuditPages(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.Note(t.Context(), "ann", "login", fmt.Sprint(i), "")
	}
	var seen []string
	for before := int64(0); ; {
		page, err := w.Audit(t.Context(), before, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			seen = append(seen, e.What)
			before = e.ID
		}
	}
	if got := strings.Join(seen, ""); got != "6543210" {
		t.Errorf("pages give %s", got)
	}
	if all, err := w.Audit(t.Context(), 0, 0); err != nil || len(all) != 7 {
		t.Errorf("without a limit: %d entries, %v", len(all), err)
	}
}

func TestAuditCanOnlyBeAddedTo(t *testing.T) {
	w := newWorld(t)
	w.Note(t.Context(), "ann", "login", "x", "")
	for _, statement := range []string{`DELETE FROM control_audit`, `UPDATE control_audit SET by_whom = 'bob'`} {
		err := w.db.Write(t.Context(), func(tx *storeTx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "can only be added to") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if got := w.audited(); len(got) != 1 {
		t.Errorf("audit %q", got)
	}
}

func TestWhatDeceivesIsTakenOut(t *testing.T) {
	w := newWorld(t)
	w.Note(t.Context(), "a\x1b[31mnn\u202e", "login", "x", "one\r\ntwo\x00\xff")
	want := "a [31mnn | login | x | one \ntwo"
	if got := w.audited()[0]; got != want {
		t.Errorf("audited %q, want %q", got, want)
	}
	w.Note(t.Context(), "", "login", "x", "")
	if got := w.audited()[1]; !strings.HasPrefix(got, "unknown |") {
		t.Errorf("audited %q", got)
	}
	if _, err := w.Freeze(context.Background(), "ann", strings.Repeat("x", control.MaxWhy+1), 0); !errors.Is(err, control.ErrLongWhy) {
		t.Errorf("long why: %v", err)
	}
}

func TestNearestRoute(t *testing.T) {
	w := newWorld(t)
	w.use(`version: 1
backends: {a: {urls: [http://127.0.0.1:1]}, b: {urls: [http://127.0.0.1:2]}}
defaults: {legacy: a, new: b}
routes:
  - {name: accounts.show, match: "GET /accounts/{id}"}
  - {name: accounts.create, match: POST /accounts, shadow: {sample: 0%}}
  - {match: "GET /orders/{id}"}
`)
	for given, want := range map[string]string{
		"acounts.show": "accounts.show", "accounts.shwo": "accounts.show", "Accounts.Create": "accounts.create",
		"show.accounts": "accounts.show", "GET /orders/{no}": "GET /orders/{id}", "xyz": "", "": "",
	} {
		var unknown *control.UnknownRoute
		_, err := w.Route(given)
		if !errors.As(err, &unknown) || unknown.Name != given || unknown.Nearest != want {
			t.Errorf("%q: %v, want %q as the nearest", given, err, want)
		}
	}
	if r, err := w.Route("GET /orders/{id}"); err != nil || r.Pattern != "/orders/{id}" {
		t.Errorf("a name derived from method and pattern: %v, %v", r, err)
	}
}
