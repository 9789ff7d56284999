package compare_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// logicalRow is a row as both services mean it: ids and times are filled in for
// each run.
type logicalRow struct {
	op, table string
	id        int // of inserted rows: which of the table's; of others: the id itself
	parent    int // index of the order that it refers to, -1 for none
	columns   []compare.Column
	at        bool // has a column with the time of the run
}

func text(name, value string) compare.Column {
	return compare.Column{Name: name, Type: "text", Value: value}
}

// drawRows makes a request's rows: orders, items that refer to them and may be
// alike, audit rows, and updates of rows that were there.
func drawRows(t *rapid.T) []logicalRow {
	var rows []logicalRow
	word := rapid.StringMatching(`[a-z]{8}`)
	orders := rapid.IntRange(0, 4).Draw(t, "orders")
	for i := range orders {
		rows = append(rows, logicalRow{"insert", "orders", i, -1, []compare.Column{
			text("note", word.Draw(t, "note")), text("city", word.Draw(t, "city")), text("state", rapid.SampledFrom([]string{"new", "paid"}).Draw(t, "state")),
		}, true})
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			rows = append(rows, logicalRow{"insert", "items", len(rows), i, []compare.Column{
				text("sku", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "sku")), {Name: "qty", Type: "integer", Value: fmt.Sprint(rapid.IntRange(1, 2).Draw(t, "qty"))},
			}, false})
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "audits") {
		// No two are alike, so that it can be said which one is planted.
		rows = append(rows, logicalRow{"insert", "audits", len(rows), -1, []compare.Column{
			text("item", fmt.Sprint(word.Draw(t, "item"), i)), text("actor", fmt.Sprint("actor", i)), text("source", fmt.Sprint("source", i)),
		}, true})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "updates") {
		rows = append(rows, logicalRow{"update", "stock", i + 1, -1, []compare.Column{text("name", word.Draw(t, "name")), text("shelf", word.Draw(t, "shelf"))}, true})
	}
	return rows
}

// keyed is how the tables' keys are made and known.
type keyed string

const (
	byNames     keyed = "by names"     // id, order_id
	byCatalogue keyed = "by catalogue" // of other names, as the catalogue says
	byUUIDs     keyed = "by UUIDs"     // of orders; the rest as byCatalogue
)

// key is the column that is the key, and how rows refer to orders.
func (k keyed) key(r logicalRow, id, parent string) []compare.Column {
	key := compare.Column{Name: "id", Type: "integer", Value: id}
	if k != byNames {
		key.Name, key.Key, key.Generated = "nr", true, r.op == "insert" && (k == byCatalogue || r.table != "orders")
	}
	columns := []compare.Column{key}
	if r.parent >= 0 {
		c := compare.Column{Name: "order_id", Type: "integer", Value: parent}
		if k != byNames {
			c.Name, c.References = "within", compare.Reference{Table: "orders", Column: "nr"}
		}
		columns = append(columns, c)
	}
	return columns
}

// order is the key of the n-th order.
func (k keyed) order(n int) string {
	if k == byUUIDs {
		sum := sha256.Sum256(fmt.Append(nil, n))
		return fmt.Sprintf("%x-%x-4%03x-8%03x-%x", sum[:4], sum[4:6], n%4096, n%4096, sum[6:12])
	}
	return fmt.Sprint(n)
}

// run is what one side writes: ids go on from where the sequences are.
func run(rows []logicalRow, k keyed, firstID int, at time.Time) compare.WriteSet {
	set, orders, next := compare.WriteSet{}, map[int]string{}, map[string]int{}
	for _, r := range rows {
		if r.table == "orders" {
			orders[r.id] = k.order(firstID + len(orders))
		}
	}
	for _, r := range rows {
		id := fmt.Sprint(r.id)
		switch {
		case r.table == "orders":
			id = orders[r.id]
		case r.op == "insert":
			id = fmt.Sprint(firstID + next[r.table])
			next[r.table]++
		}
		columns := k.key(r, id, orders[r.parent])
		columns = append(columns, r.columns...)
		if r.at {
			columns = append(columns, compare.Column{Name: "at", Type: "timestamp with time zone", Value: at.Format("2006-01-02 15:04:05.999999-07")})
		}
		set = append(set, compare.Change{Table: r.table, Op: compare.Op(r.op), New: columns})
	}
	return set
}

// TestTwoEqualServicesWriteTheSame holds that ids, references, times and the order
// of statements are no differences, however many rows there are.
func TestTwoEqualServicesWriteTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		r := exchangeRuns(t, rows, rapid.Permutation(rows).Draw(t, "order of new"))
		if !r.Match() {
			t.Fatalf("differences between equal services: %q", lines(r))
		}
	})
}

func exchangeRuns(t *rapid.T, legacy, new []logicalRow) compare.Result {
	at := time.Date(2026, 3, 4, 5, 6, 7, 999_000_000, time.UTC)
	first := rapid.IntRange(1, 50).Draw(t, "first id")
	k := rapid.SampledFrom([]keyed{byNames, byCatalogue, byUUIDs}).Draw(t, "keys")
	l, n := answer("", ""), answer("", "")
	l.Writes = run(legacy, k, first, at)
	n.Writes = run(new, k, first+len(legacy)+rapid.IntRange(0, 5).Draw(t, "gap"), at.Add(1000*time.Microsecond))
	return compare.Exchanges(l, n, nil)
}

// TestPlantedWritesAreTheFindings plants faults in the new service, each in a row
// of its own, and wants these findings and no other.
func TestPlantedWritesAreTheFindings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		var changed []logicalRow
		var want []string
		orders, astray := 0, false
		for _, r := range rows {
			if r.table == "orders" { // no two are alike, as with audits
				r.columns[0].Value += fmt.Sprint(orders)
				orders++
			}
		}
		for i, r := range rows {
			fault := rapid.SampledFrom([]string{"", "", "", "column", "forgotten", "twice", "astray"}).Draw(t, "fault")
			leaf := r.table == "audits" || r.table == "stock"
			switch {
			case fault == "astray" && r.parent >= 0 && orders > 1 && !astray: // two could undo each other
				astray = true
				r.parent = (r.parent + rapid.IntRange(1, orders-1).Draw(t, "further")) % orders
				want = append(want, "table:items.order_id")
			case fault == "column" && r.table != "items" && r.table != "audits":
				r.columns = slices.Clone(r.columns)
				r.columns[0] = compare.Column{Name: r.columns[0].Name, Type: "text", Null: true}
				want = append(want, "table:"+r.table+"."+r.columns[0].Name)
			case fault == "forgotten" && leaf:
				want = append(want, "table:"+r.table)
				continue
			case fault == "twice" && r.table == "audits":
				changed = append(changed, r)
				want = append(want, "table:audits")
			case fault == "twice" && r.table == "stock":
				extra := r
				extra.id = 100 + i
				changed = append(changed, extra)
				want = append(want, "table:stock")
			}
			changed = append(changed, r)
		}
		r := exchangeRuns(t, rows, changed)
		var got []string
		for _, d := range r.Differences {
			if d.Kind != compare.KindWrites {
				t.Errorf("a difference of kind %s at %s", d.Kind, d.Path)
			}
			got = append(got, strings.Replace(d.Path, "items.within", "items.order_id", 1))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || r.Err != nil {
			t.Fatalf("found %q, planted %q\n%q", got, want, lines(r))
		}
	})
}
