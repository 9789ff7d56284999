package writeset_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/writeset"
)

// odd is text with what means something somewhere on the way.
var odd = rapid.StringOfN(rapid.OneOf(
	rapid.RuneFrom([]rune(`'"\[]{}:,.() $nulE`+"\n\t")), rapid.Rune().Filter(func(r rune) bool { return r > 0 }),
), 0, 20, -1)

// oddName is one that PostgreSQL keeps whole.
var oddName = odd.Filter(func(s string) bool { return s != "" && len(s) <= 63 })

// What is written with odd values and names comes back as the server itself
// reads it.
func TestOddValuesComeBack(t *testing.T) {
	b := read(t, "CREATE TABLE none ()")
	types := []string{"text", "text[]", "varchar", "json", "bytea", "xml", "char(30)", "name"}
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > 60 { // each is a transaction on a real server
			return
		}
		table := oddName.Draw(rt, "table")
		column := oddName.Filter(func(s string) bool { return s != "n" }).Draw(rt, "column")
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		values := rapid.SliceOfN(rapid.Ptr(odd, true), 1, 4).Draw(rt, "values")
		ctx := context.Background()
		tx, err := b.conn.Begin(ctx)
		b.must(err)
		defer tx.Rollback(ctx)
		quoted, in := pgx.Identifier{table}.Sanitize(), pgx.Identifier{column}.Sanitize()
		exec := func(sql string, args ...any) {
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				rt.Fatal(sql, err)
			}
		}
		exec(fmt.Sprintf("CREATE TABLE public.%s (%s %s, n serial)", quoted, in, typ))
		for _, v := range values {
			exec(fmt.Sprintf("INSERT INTO public.%s (%s) VALUES (%s)", quoted, in, expression(typ)), v)
		}
		rows, err := tx.Query(ctx, fmt.Sprintf("SELECT format('%%s', %s), %s IS NULL, format_type($1::regtype, NULL) FROM public.%s ORDER BY n", in, in, quoted), typ)
		b.must(err)
		type value struct {
			Text string
			Null bool
			Type string
		}
		want, err := pgx.CollectRows(rows, pgx.RowToStructByPos[value])
		b.must(err)
		gid, w := b.reader.Expect()
		exec("PREPARE TRANSACTION '" + gid + "'")
		set, err := w.Rows(b.patience())
		b.exec("ROLLBACK PREPARED '" + gid + "'")
		if err != nil || len(set.Changes) != len(want) {
			rt.Fatalf("%d changes, %v; %d were written", len(set.Changes), err, len(want))
		}
		for i, c := range set.Changes {
			got := c.New[0]
			if c.Op != writeset.Insert || got != (writeset.Column{Name: column, Type: want[i].Type, Value: want[i].Text, Null: want[i].Null}) {
				rt.Fatalf("got %+v, want %+v", c, want[i])
			}
			if c.Table != txshadow.TableName("public", table) {
				rt.Fatalf("table %q, want %q", c.Table, table)
			}
		}
	})
}

// expression makes a value of typ of the text $1.
func expression(typ string) string {
	switch typ {
	case "text[]":
		return "CASE WHEN $1::text IS NOT NULL THEN ARRAY[$1, NULL, $1 || 'x'] END"
	case "json":
		return "to_json($1::text)"
	case "xml":
		return "xmlelement(name a, $1::text)"
	case "bytea":
		return "convert_to($1::text, 'UTF8')"
	case "name":
		return "$1::text::name"
	}
	return "$1"
}
