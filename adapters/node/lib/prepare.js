'use strict'

const { literal } = require('./session')

// mode=prepare: the transaction is prepared, so that Quack's slot decodes its
// rows, and is rolled back all the same.

/** How long after the PREPARE the slot is waited for, in ms. */
const slotMs = 150
/** How old a prepared transaction of ours is before it counts as left behind, in s. */
const orphanAge = 10
const orphansEveryMs = 30_000

/**
 * Prepares the transaction, waits until the slot of the Quack that asked has
 * decoded it, and rolls it back. A transaction that can not be prepared has
 * been rolled back by that. Throws when the rollback can not be confirmed.
 * @returns {Promise<{answers: Array, escaped: boolean}>} as Session.rollback
 */
async function prepareAndRollback (shadow, session, ask) {
  const answers = await session.control(ask)
  if (session.status === 'I') return { answers: null, escaped: true }
  const [[[xid]]] = answers
  if (session.xid !== null && xid !== session.xid) { // whose transaction is this?
    await session.rollback('')
    return { answers, escaped: false }
  }
  shadow.prepared = true
  try {
    // Only the role in force at the PREPARE may end it, and SET LOCAL ROLE ends with it.
    await session.control(`RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL txshadow.probe = ${literal(session.nonce)}; PREPARE TRANSACTION ${literal(shadow.gid)}`)
  } catch (err) {
    if (session.status === 'I' && err.code !== undefined) return { answers, escaped: false }
    if (session.status === 'E' || session.status === 'T') {
      await session.rollback('')
      return { answers, escaped: false }
    }
    throw err
  }
  await decoded(shadow, session)
  await session.control(`ROLLBACK PREPARED ${literal(shadow.gid)}`)
  const [fate] = await session.row(`SELECT pg_catalog.pg_xact_status(${literal(xid)}::xid8)`)
  if (fate !== 'aborted') throw new Error(`the prepared transaction ${shadow.gid} is ${fate}`)
  return { answers, escaped: false }
}

/** Waits until the slot has read past the PREPARE, is gone, or time is up. */
async function decoded (shadow, session) {
  const [lsn] = await session.row('SELECT pg_catalog.pg_current_wal_insert_lsn()')
  const slot = 'txshadow_' + shadow.gid.split('-')[1]
  const until = Math.min(Date.now() + slotMs, Math.max(shadow.deadline, Date.now()))
  for (let wait = 1; Date.now() < until; wait = 2) {
    await new Promise((resolve) => setTimeout(resolve, wait))
    const [rows] = await session.control(`SELECT confirmed_flush_lsn >= ${literal(lsn)}::pg_lsn
      FROM pg_catalog.pg_replication_slots WHERE slot_name = ${literal(slot)}`)
    if (rows.length === 0 || rows[0][0] === 't') return
  }
}

/** Rolls back what a session that is gone may have left prepared. Throws when that can not be confirmed. */
async function rollbackLeft (shadow) {
  const client = await shadow.adapter.sessions.connect()
  try {
    await rollbackPrepared(client, shadow.gid)
  } finally {
    client.end().catch(() => {})
  }
}

async function rollbackPrepared (client, gid) {
  await client.query(`ROLLBACK PREPARED ${literal(gid)}`).catch((err) => {
    if (err.code !== '42704') throw err // there is none
  })
}

/** Whether the server can be asked for mode=prepare. The fuse has to know the probe. */
const canPrepareSQL = `SELECT pg_catalog.current_setting('max_prepared_transactions')::int > 0
  AND pg_catalog.current_setting('server_version_num')::int >= 140000
  AND EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regproc('txshadow.refuse') AND prosrc LIKE '%txshadow.probe%')`

/** Rolls back what a process that was killed has left prepared, at once and then every 30 s, until stop is called. */
function sweepOrphans (sessions, log) {
  const sweep = () => rollbackOrphans(sessions).catch((err) => log.warn(`look for prepared transactions of shadows: ${err.message}`))
  const timer = setInterval(sweep, orphansEveryMs)
  timer.unref()
  sweep()
  return () => clearInterval(timer)
}

async function rollbackOrphans (sessions) {
  const client = await sessions.connect()
  try {
    const { rows } = await client.query(`SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid LIKE 'txshadow-%' AND owner = current_user
      AND database = pg_catalog.current_database() AND prepared < pg_catalog.clock_timestamp() - interval '${orphanAge} s'`)
    for (const { gid } of rows) await rollbackPrepared(client, gid)
  } finally {
    client.end().catch(() => {})
  }
}

module.exports = { prepareAndRollback, rollbackLeft, canPrepareSQL, sweepOrphans }
