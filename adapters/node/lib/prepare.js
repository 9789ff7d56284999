'use strict'

const { literal } = require('./session')

// mode=prepare: the transaction is prepared, so that Quack's slot decodes its
// rows, and is rolled back all the same.

/** How long after the PREPARE the slot is waited for, in ms. */
const slotMs = 150

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
  shadow.prepared = xid
  let lsn
  session.noTx = false
  try {
    // Only the role in force at the PREPARE may end it, and SET LOCAL ROLE ends with it.
    // The message makes a transaction that has written nothing that is logged known to the decoder as well.
    const results = await session.control(`RESET SESSION AUTHORIZATION; RESET ROLE;
      SELECT pg_catalog.pg_logical_emit_message(true, 'txshadow', ${literal(shadow.id)});
      SET SESSION synchronous_commit = local; SET LOCAL txshadow.probe = ${literal(session.nonce)};
      PREPARE TRANSACTION ${literal(shadow.gid)}; SELECT pg_catalog.pg_current_wal_flush_lsn()`)
    lsn = results.at(-1)[0][0]
  } catch (err) {
    if (session.status === 'I' && err.code !== undefined) {
      await takeBack((sql) => session.control(sql), shadow.gid, xid) // it may have been prepared: what follows can be cancelled
      return { answers, escaped: false }
    }
    if (session.status === 'E' || session.status === 'T') {
      await session.rollback('')
      return { answers, escaped: false }
    }
    throw err
  }
  if (session.noTx) return { answers: null, escaped: true } // there was no transaction to prepare
  await decoded(shadow, session, lsn)
  await takeBack((sql) => session.control(sql), shadow.gid, xid)
  return { answers, escaped: false }
}

/** Waits until the slot has read past the PREPARE, is gone, or time is up. */
async function decoded (shadow, session, lsn) {
  const slot = 'txshadow_' + shadow.gid.split('-')[1]
  const until = Math.min(Date.now() + slotMs, Math.max(shadow.deadline, Date.now()))
  for (let wait = 1; Date.now() < until; wait = 2) {
    await new Promise((resolve) => setTimeout(resolve, wait))
    const [rows] = await session.control(`SELECT confirmed_flush_lsn >= ${literal(lsn)}::pg_lsn
      FROM pg_catalog.pg_replication_slots WHERE slot_name = ${literal(slot)}`)
    if (rows.length === 0 || rows[0][0] === 't') return
  }
}

/**
 * Rolls gid back and makes sure of it. That there is none any more is as good:
 * a watchdog may have been first. What counts is what became of the transaction.
 * @param {(sql: string) => Promise<Array>} control as Session.control
 */
async function takeBack (control, gid, xid) {
  await rollbackPrepared(control, gid)
  const [[[fate]]] = await control(`SELECT pg_catalog.pg_xact_status(${literal(xid)}::pg_catalog.xid8)`)
  if (fate !== 'aborted') throw new Error(`the transaction ${xid}, prepared as ${gid}, is ${fate}`)
}

/** As Session.control, on a client of pg, for one statement. */
const controlOf = (client) => async (sql) => [(await client.query({ text: sql, rowMode: 'array' })).rows]

const noObject = '42704'
const busy = '55000' // somebody else is ending it

/** A ROLLBACK PREPARED that waits for a synchronous standby keeps the locks until then. */
const withoutStandbys = 'SET synchronous_commit = local'

/** Returns when there is none: somebody else who is about to end it is waited for. */
async function rollbackPrepared (control, gid) {
  for (let i = 0; i < 100; i++) {
    try {
      return await control(`ROLLBACK PREPARED ${literal(gid)}`)
    } catch (err) {
      if (err.code === noObject) return
      if (err.code !== busy) throw err
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Whether the server can be asked for mode=prepare. The fuse has to know the probe. */
const canPrepareSQL = `SELECT pg_catalog.current_setting('max_prepared_transactions')::int > 0
  AND pg_catalog.current_setting('server_version_num')::int >= 140000 AND pg_catalog.current_setting('wal_level') = 'logical'
  AND EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regproc('txshadow.refuse') AND prosrc LIKE '%txshadow.probe%')`

module.exports = { prepareAndRollback, takeBack, rollbackPrepared, withoutStandbys, controlOf, canPrepareSQL }
