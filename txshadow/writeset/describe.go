package writeset

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// traits are what the catalogue says of a column.
type traits struct {
	key, generated bool
	references     Reference
}

// describeSQL reads the columns of one table.
//
// The key is the primary key, or what the log has of an old row where that is
// another index (REPLICA IDENTITY USING INDEX). Of the foreign keys of a column
// the one with the fewest columns counts; one to a partitioned table is left
// out, because its rows go by the names of its partitions.
//
// A number is generated when it is an identity or its default asks a sequence;
// of a key also when the default is some other function, or when there is none
// and a sequence is named after the table that belongs to no column: then a
// trigger or the service itself asks it.
const describeSQL = `SELECT a.attname::text, coalesce(a.attnum = ANY (k.columns), false),
	a.attidentity <> '' OR coalesce(d.expr LIKE '%nextval(%', false)
		OR coalesce(a.attnum = ANY (k.columns), false) AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
			AND CASE WHEN d.expr IS NULL THEN f.column_name IS NULL AND s.numbered ELSE d.expr LIKE '%(%' END,
	coalesce(f.schema_name, ''), coalesce(f.table_name, ''), coalesce(f.column_name, '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns FROM pg_catalog.pg_index i
	WHERE i.indrelid = c.oid AND CASE WHEN c.relreplident = 'i' THEN i.indisreplident ELSE i.indisprimary END LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT pg_catalog.pg_get_expr(e.adbin, e.adrelid) AS expr FROM pg_catalog.pg_attrdef e
	WHERE e.adrelid = c.oid AND e.adnum = a.attnum AND a.attgenerated = '') d ON true
LEFT JOIN LATERAL (SELECT rn.nspname::text AS schema_name, r.relname::text AS table_name, ra.attname::text AS column_name
	FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class r ON r.oid = o.confrelid JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
	JOIN pg_catalog.pg_attribute ra ON ra.attrelid = r.oid AND ra.attnum = o.confkey[pg_catalog.array_position(o.conkey, a.attnum)]
	WHERE o.contype = 'f' AND o.conrelid = c.oid AND a.attnum = ANY (o.conkey) AND r.relkind = 'r' AND NOT r.relispartition
	ORDER BY pg_catalog.cardinality(o.conkey), o.oid LIMIT 1) f ON true
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_catalog.pg_class q WHERE q.relkind = 'S' AND q.relnamespace = c.relnamespace
	AND (pg_catalog.strpos(q.relname::text, c.relname::text) > 0 OR q.relname = 'hibernate_sequence')
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = q.oid AND p.refobjsubid > 0 AND p.deptype IN ('a', 'i'))) AS numbered) s
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`

// describe reads what is known of the columns of a table, by name. There are
// none when nobody has committed such a table.
func describe(ctx context.Context, conn *pgx.Conn, table string) (map[string]traits, error) {
	schema, name := splitTable(table)
	rows, err := conn.Query(ctx, describeSQL, schema, name)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	columns := map[string]traits{}
	var column, toSchema, toTable, toColumn string
	var f traits
	_, err = pgx.ForEachRow(rows, []any{&column, &f.key, &f.generated, &toSchema, &toTable, &toColumn}, func() error {
		f.references = Reference{}
		if toColumn != "" {
			f.references = Reference{Table: txshadow.TableName(toSchema, toTable), Column: toColumn}
		}
		columns[column] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	return columns, nil
}

// splitTable is TableName the other way.
func splitTable(name string) (schema, table string) {
	var parts []string
	for rest := name; rest != ""; {
		var part string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			p := parser{rest: quoted}
			part, _ = p.quoted('"')
			rest = p.rest
		} else {
			end := strings.IndexByte(rest+".", '.')
			part, rest = rest[:end], rest[end:]
		}
		parts = append(parts, part)
		rest = strings.TrimPrefix(rest, ".")
	}
	if len(parts) < 2 {
		return "public", strings.Join(parts, "")
	}
	return parts[0], parts[1]
}
