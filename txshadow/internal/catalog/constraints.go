package catalog

// Touched holds for constraints that an event may wait for: those of tables
// with changed rows, on either side of a foreign key.
const Touched = ` AND 0 < pg_catalog.pg_stat_get_xact_tuples_inserted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.conrelid)
	+ pg_catalog.pg_stat_get_xact_tuples_deleted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_inserted(c.confrelid)
	+ pg_catalog.pg_stat_get_xact_tuples_updated(c.confrelid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.confrelid)`

// Deferrable names the deferrable constraints but the fuse, for SET
// CONSTRAINTS: all, and those that are deferred from the start. condition
// follows a WHERE.
func Deferrable(condition string) string {
	return `SELECT pg_catalog.string_agg(DISTINCT name, ', '), pg_catalog.string_agg(DISTINCT name, ', ') FILTER (WHERE condeferred)
		FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, c.condeferred
			FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
			WHERE c.condeferrable AND n.nspname <> 'txshadow'` + condition + `) c`
}

// Fire is SQL that fires the constraints called all that wait, as a commit
// would, and puts them as they were declared. all and deferred are Deferrable's.
func Fire(all, deferred string) []string {
	sql := []string{"SET CONSTRAINTS " + all + " IMMEDIATE"}
	if deferred != "" {
		sql = append(sql, "SET CONSTRAINTS "+deferred+" DEFERRED")
	}
	return sql
}
