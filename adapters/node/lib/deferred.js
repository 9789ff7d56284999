'use strict'

// Deferred constraints, which a real commit would check and a RELEASE does not.

/**
 * Holds for constraints that an event may wait for: those of tables with
 * changed rows, on either side of a foreign key.
 */
const touched = ['conrelid', 'confrelid'].flatMap((rel) => ['inserted', 'updated', 'deleted']
  .map((what) => `pg_catalog.pg_stat_get_xact_tuples_${what}(c.${rel})`)).join(' + ')

/** The names of deferrable constraints but the fuse, for SET CONSTRAINTS: all, and those deferred from the start. */
async function deferrable (shadow, condition) {
  const rows = await shadow.control(`SELECT string_agg(DISTINCT name, ', '), string_agg(DISTINCT name, ', ') FILTER (WHERE condeferred)
    FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, c.condeferred
      FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
      WHERE c.condeferrable AND n.nspname <> 'txshadow' ${condition}) c`)
  return rows.at(-1)?.[0] ?? [null, null]
}

async function allButFuse (shadow) {
  const [all] = await deferrable(shadow, '')
  return all === null ? 'SET CONSTRAINTS ALL DEFERRED' : `SET CONSTRAINTS ${all} IMMEDIATE`
}

/**
 * Does what a commit would do here: fires the deferred constraints that wait,
 * the fuse aside, and then puts all as they were declared.
 */
async function checkDeferred (shadow) {
  shadow.unchecked = false
  if (!shadow.session.deferrable) return
  const [all, deferred] = await deferrable(shadow, shadow.session.counting ? `AND 0 < ${touched}` : '')
  if (all === null) return
  shadow.books.stale = true // a trigger may have written
  await shadow.control(`SET CONSTRAINTS ${all} IMMEDIATE` + (deferred === null ? '' : `; SET CONSTRAINTS ${deferred} DEFERRED`))
}

module.exports = { allButFuse, checkDeferred }
