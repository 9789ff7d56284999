package pgwire

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/txshadow"
)

// tried are the escapes that are tried here.
var tried = escapes.And(
	escapes.Of("ROLLBACK TO _ts_1", "COMMIT"),
	escapes.Of("EXECUTE prepared_commit"),
	escapes.Of("EXECUTE prepared_commit", "INSERT …"),
)

const insert = "INSERT INTO accounts VALUES ((random() * 1e9)::int, md5(random()::text), 1)"

// TestEscapesThroughTheLane tries every way of ending a shadow's transaction, by
// both protocols, inside of a transaction and outside, with all layers and with
// interception switched off.
func TestEscapesThroughTheLane(t *testing.T) {
	for _, c := range []struct {
		name string
		off  layers
	}{
		{"all", layers{}},
		{"without interception", layers{noInterception: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := patient
			cfg.layers = c.off
			p := lane(t, cfg)
			for _, escape := range tried {
				for n := range 4 {
					p.escape(escape, n&1 == 1, n&2 == 2)
				}
			}
		})
	}
}

func (p *proxy) escape(e escapes.Escape, extended, inTx bool) {
	p.t.Helper()
	w := dialWire(p.t, p.dsn)
	defer w.conn.Close()
	w.ask(parse("prepared_commit", "COMMIT"), syncGroup())
	p.open()
	var frames []frame
	sent := 0
	all := append([]string{insert}, e.With(insert)...)
	if inTx {
		all = append([]string{"BEGIN"}, all...)
	}
	for _, sql := range all {
		sent++
		if extended {
			frames = append(frames, parse("", sql), bind("", ""), execute("", 0), syncGroup())
		} else {
			frames = append(frames, query(sql))
		}
	}
	w.send(frames...) // all at once: what comes after an escape must be stopped in time
	w.ready(sent)
	out := p.close()
	bare := p.server.lane.cfg.layers.noInterception
	if n := one[int](p.t, p.direct, "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())"); n != 0 {
		if bare && strings.Contains(e.String(), "CHAIN") || bare && strings.Contains(e.Statements[0], "BEGIN READ WRITE") {
			if !strings.HasPrefix(out.Reason, "escape:") { // fuse and belt let it through, and it has to be noticed
				p.t.Errorf("%s, extended %v: %d rows persisted, and the reason is %q", e, extended, n, out.Reason)
			}
		} else {
			p.t.Errorf("%s, extended %v, in a transaction %v: %d rows persisted", e, extended, inTx, n)
		}
		live(p.t, p.direct, clean)
	}
	if strings.HasPrefix(out.Reason, "escape:") && bare {
		if err := p.server.Lane().Open(context.Background(), Shadow{Mode: txshadow.ModeRollback}); !errors.Is(err, ErrQuarantine) {
			p.t.Errorf("after an escape Open says %v", err)
		}
	}
	p.server.Lane().Release()
}

// A Query that we refuse is the end of the unnamed statement and portal, as one
// that the server gets: what they would run is not forgotten and then sent.
func TestUnnamedBehindARefusedQuery(t *testing.T) {
	p := lane(t, patient)
	for _, again := range [][]frame{{execute("", 0), syncGroup()}, {bind("", ""), execute("", 0), syncGroup()}} {
		w := dialWire(t, p.dsn)
		p.open()
		w.ask(query("BEGIN"))
		w.ask(query(insert))
		w.ask(parse("", "COMMIT"), bind("", ""), syncGroup())
		w.ask(query("SAVEPOINT _ts_1")) // refused by us, and the transaction has failed
		w.ask(query("ROLLBACK"))
		w.ask(query("BEGIN"))
		w.ask(parse("", "COMMIT"), bind("", ""), syncGroup())
		w.ask(query("BEGIN")) // answered by us
		if got := errorCode(w.ask(again...)); got != "34000" && got != "26000" {
			t.Errorf("SQLSTATE %q", got)
		}
		p.close()
		p.server.Lane().Release()
		w.conn.Close()
	}
	p.unchanged()
}
