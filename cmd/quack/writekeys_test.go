package main

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/reports"
)

// keysSchema has natural keys, keys of several columns, UUIDs, numbers that are not
// called id, and references that are named after nothing.
const keysSchema = `
CREATE TABLE customers (customer_no serial PRIMARY KEY, email text, made_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE carts (token uuid PRIMARY KEY DEFAULT gen_random_uuid(), holder int NOT NULL REFERENCES customers, currency char(3));
CREATE TABLE positions (cart uuid REFERENCES carts, pos int, sku text, PRIMARY KEY (cart, pos));
CREATE TABLE history (seq bigserial PRIMARY KEY, about uuid REFERENCES carts, what text);
CREATE TABLE chapters (id int PRIMARY KEY, title text);
CREATE TABLE rates (base char(3), day date, rate numeric, PRIMARY KEY (base, day));
CREATE TABLE regions (code text PRIMARY KEY);
CREATE TABLE branches (slug text PRIMARY KEY, lies text REFERENCES regions ON DELETE CASCADE);
INSERT INTO chapters VALUES (1, 'one');
INSERT INTO rates VALUES ('usd', '2026-03-01', 1), ('usd', '2026-03-02', 1);
INSERT INTO regions VALUES ('north');
INSERT INTO branches VALUES ('pier', 'north'), ('mole', 'north');
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO history (about, what) VALUES (NEW.token, 'made or changed'); RETURN NEW; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON carts FOR EACH ROW EXECUTE FUNCTION noted();
`

// writeKeyed buys something: two customers, a cart of one of them and two positions in it.
func writeKeyed(ctx context.Context, tx pgx.Tx, fault string, faulty bool) error {
	exec := func(sql string, args ...any) error { _, err := tx.Exec(ctx, sql, args...); return err }
	but := func(name string) bool { return faulty && fault == name }
	switch fault {
	case "many":
		if but("many") {
			return exec(`UPDATE rates SET rate = 2 WHERE base = 'usd'`)
		}
		return exec(`UPDATE rates SET rate = 2 WHERE base = 'usd' AND day = '2026-03-01'`)
	case "cascade":
		if but("cascade") {
			if err := exec(`UPDATE branches SET lies = NULL`); err != nil {
				return err
			}
		}
		return exec(`DELETE FROM regions`)
	case "natural":
		id := 7
		if but("natural") {
			id = 8
		}
		return exec(`INSERT INTO chapters VALUES ($1, 'seven')`, id)
	}
	var ada, bob int
	err := tx.QueryRow(ctx, `WITH made AS (INSERT INTO customers (email) VALUES ('ada@example.com'), ('bob@example.com') RETURNING customer_no)
		SELECT min(customer_no), max(customer_no) FROM made`).Scan(&ada, &bob)
	if err != nil {
		return err
	}
	holder, currency, skus := ada, new(string), []string{"tea", "milk"}
	*currency = "usd"
	if but("reference") {
		holder = bob
	}
	if but("column") {
		currency = nil
	}
	if but("places") {
		slices.Reverse(skus)
	}
	var cart string
	if err := tx.QueryRow(ctx, `INSERT INTO carts (holder, currency) VALUES ($1, $2) RETURNING token::text`, holder, currency).Scan(&cart); err != nil {
		return err
	}
	for i, sku := range skus {
		if err := exec(`INSERT INTO positions VALUES ($1, $2, $3)`, cart, i+1, sku); err != nil {
			return err
		}
	}
	also := `UPDATE chapters SET title = 'uno' WHERE id = 1`
	switch {
	case but("audit"):
		also += `; INSERT INTO history (about, what) VALUES ('` + cart + `', 'seen')`
	case but("twice"):
		also += `; UPDATE carts SET currency = currency WHERE token = '` + cart + `'`
	}
	return exec(also)
}

// TestPlantedFaultsAmongKeys plants faults where the names of columns say nothing,
// or the wrong thing.
func TestPlantedFaultsAmongKeys(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name        string
		rows, count []string
	}{
		{"none", nil, nil},
		{"column", []string{"writes table:carts.currency"}, nil},
		{"reference", []string{"writes table:carts.holder"}, nil},
		{"places", []string{"writes table:positions.sku", "writes table:positions.sku"}, nil},
		{"natural", []string{"writes table:chapters.id"}, nil},
		{"audit", []string{"writes table:history"}, []string{"footprint table:history"}},
		{"twice", []string{"writes table:carts", "writes table:history"}, []string{"footprint table:carts", "footprint table:history"}},
		{"many", []string{"writes table:rates"}, []string{"footprint table:rates"}},
		{"cascade", []string{"writes table:branches", "writes table:branches"}, []string{"footprint table:branches"}},
	}
	for _, level := range []string{"level 4", "level 1"} {
		t.Run(level, func(t *testing.T) {
			q, conn := startWriting(t, keysSchema, writeKeyed, level == "level 4")
			n := q.warm()
			for _, f := range faults {
				n++
				c := q.newest(f.name, n)
				want := f.count
				if level == "level 4" {
					want = f.rows
				}
				if got := found(c); c.Writes != level || !slices.Equal(got, want) {
					t.Errorf("%s: compared by %q (%s), found %q, want %q\n%+v", f.name, c.Writes, c.WritesNote, got, want, c.Differences)
				}
			}
			var carts int64
			if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM carts`).Scan(&carts); err != nil || carts != n-3 {
				t.Errorf("%d carts, %v, of %d live requests of which 3 make none", carts, err, n)
			}
		})
	}
}

// warm asks until the catalogue of the tables has been read, which a busy server
// may not do in time for the first rows, and says how often it has asked.
func (q *running) warm() int64 {
	q.t.Helper()
	for n := int64(1); n <= 20; n++ {
		if c := q.newest("none", n); len(c.Differences) == 0 {
			return n
		}
	}
	q.t.Fatalf("two equal services differ:\n%s", q.logged())
	return 0
}

// found are the kinds and places of a comparison's differences.
func found(c *reports.Comparison) []string {
	var list []string
	for _, d := range c.Differences {
		list = append(list, string(d.Kind)+" "+d.Path)
	}
	return list
}
