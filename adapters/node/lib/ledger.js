'use strict'

/**
 * Reads the rows written per table in the session's transaction, as the server
 * counts them: triggers and cascades are in, and so is what a savepoint took
 * back. It is pg_stat_xact_user_tables without its joins of the indexes, and
 * without temporary tables, which end with the session.
 */
const countsSQL = `SELECT n.nspname, t.relname, t.ins, t.upd, t.del FROM (SELECT relnamespace, relname,
  pg_catalog.pg_stat_get_xact_tuples_inserted(oid) AS ins, pg_catalog.pg_stat_get_xact_tuples_updated(oid) AS upd,
  pg_catalog.pg_stat_get_xact_tuples_deleted(oid) AS del
  FROM pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence <> 't') t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  WHERE t.ins + t.upd + t.del > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')`

/**
 * Counts is a Map from a table's name, as Quack-Footprint has it, to [inserted,
 * updated, deleted]. One is never changed once made.
 */
function readCounts (rows) {
  return new Map(rows.map(([schema, table, ...counts]) => [`${quoted(schema)}.${quoted(table)}`, counts.map(Number)]))
}

const quoted = (name) => /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name

function plus (a, b, sign) {
  const sum = new Map(a)
  for (const [table, counts] of b) {
    const before = a.get(table) ?? [0, 0, 0]
    sum.set(table, before.map((n, i) => n + sign * counts[i]))
  }
  return sum
}

/** Keeps the counts right over savepoints that are rolled back: the server never takes them off again. */
class Ledger {
  constructor () {
    this.last = new Map() // at the last reading
    this.stale = false // something may have been written since
    this.void = new Map() // written and taken back, or before the transaction
    this.lost = false // the counts can not be told any more
  }

  /** What to keep of a savepoint, when the last reading is not stale. */
  mark (name) { return { name, base: this.last, void: this.void } }

  read (counts) { [this.last, this.stale] = [counts, false] }

  /** After a ROLLBACK TO mark, when the last reading is not stale. */
  undone (mark) { this.void = plus(mark.void, plus(this.last, mark.base, -1), 1) }

  /** What is left: [[table, [inserted, updated, deleted]], …], sorted by table. */
  footprint () {
    return [...plus(this.last, this.void, -1)]
      .filter(([, counts]) => counts.some((n) => n !== 0))
      .sort(([a], [b]) => a < b ? -1 : 1)
  }
}

module.exports = { Ledger, countsSQL, readCounts }
