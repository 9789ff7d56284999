package writeset

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

// BenchmarkDescribe is what the rows of a table that is new wait for.
func BenchmarkDescribe(b *testing.B) {
	conn, err := pgx.Connect(b.Context(), pgtest.NewDatabase(b))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), "CREATE TABLE people (id serial PRIMARY KEY); CREATE TABLE orders (id serial PRIMARY KEY, buyer int REFERENCES people, a text, b text, c int, d int)"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if columns, err := describe(b.Context(), conn, "orders"); err != nil || len(columns) != 6 {
			b.Fatalf("%d columns, %v", len(columns), err)
		}
	}
}

func TestTableNamesAreSplit(t *testing.T) {
	for _, name := range [][2]string{{"public", "t"}, {"other", "t"}, {"public", "a.b"}, {"a.b", `c"d`}, {`"`, `.".`}, {"x", "Ä ö"}} {
		if schema, table := splitTable(txshadow.TableName(name[0], name[1])); schema != name[0] || table != name[1] {
			t.Errorf("%q is split into %q and %q", name, schema, table)
		}
	}
}
