'use strict'

const { checkDeferred } = require('./deferred')

// The application's transactions. In Node they are SQL text: a plain BEGIN,
// COMMIT or ROLLBACK, a statement of its own on a client of the pool, becomes a
// savepoint, and is answered as PostgreSQL would.

/** @param {Statement} st with a transaction */
function transact (shadow, client, st, query) {
  const tx = shadow.tx?.client === client ? shadow.tx : null
  if (st.transaction.does === 'begin') return begin(shadow, client, tx, st, query)
  if (!tx) {
    notice(client, '25P01', 'there is no transaction in progress')
    return answer(query, st.transaction.does.toUpperCase())
  }
  return st.transaction.does === 'commit' ? commit(shadow, tx, query) : rollback(shadow, tx, query)
}

async function begin (shadow, client, tx, st, query) {
  const { isolation, readOnly, readWrite } = st.transaction
  const tag = st.verb === 'start' ? 'START TRANSACTION' : 'BEGIN'
  // A failed transaction refuses BEGIN as it does anything: the server says how.
  if (tx && shadow.session.status === 'E') return shadow.session.send({ text: 'SELECT 1' })
  if (!tx && shadow.tx) throw shadow.refuse('unsupported:concurrent-transactions')
  const level = isolation === 'read uncommitted' ? 'read committed' : isolation // the same in PostgreSQL
  if (level !== '' && level !== shadow.session.isolation) throw shadow.refuse('unsupported:isolation')
  if (readWrite && !shadow.writing) throw shadow.refuse('unsupported:read-write')
  if (tx) {
    if (readOnly) throw shadow.refuse('unsupported:read-only')
    notice(client, '25001', 'there is already a transaction in progress')
    return answer(query, tag)
  }
  shadow.countWriter()
  if (shadow.leaked !== '') shadow.note('unsupported:' + shadow.leaked)
  // The end of the savepoint lifts it.
  const mark = await shadow.savepoint(readOnly ? '; SET TRANSACTION READ ONLY' : '')
  shadow.tx = { client, mark, readOnly, leak: '', savepoints: [], callbacks: 0 }
  return answer(query, tag)
}

/**
 * Releases the savepoint. It first fires the deferred constraints, and fails as
 * a commit would: with their error, or with ROLLBACK for its tag when a
 * statement has failed before.
 */
async function commit (shadow, tx, query) {
  if (shadow.session.status === 'E') return rollback(shadow, tx, query)
  if (shadow.unchecked) {
    try {
      await checkDeferred(shadow)
    } catch (err) {
      await rollback(shadow, tx, query)
      throw err
    }
  }
  shadow.tx = null
  shadow.open = tx.mark.name // released with what comes next
  if (tx.leak !== '') shadow.leaked = tx.leak
  for (let i = 0; i < tx.callbacks; i++) shadow.record('callback')
  return answer(query, 'COMMIT')
}

async function rollback (shadow, tx, query) {
  shadow.tx = null
  await shadow.rollbackTo(tx.mark)
  await shadow.control(`RELEASE ${tx.mark.name}`)
  return answer(query, 'ROLLBACK')
}

/** A result of pg with this command tag and nothing else. */
function answer (query, tag) {
  const { Result } = require('pg')
  const result = new Result(query.rowMode, query.types)
  result.addCommandComplete({ text: tag })
  return result
}

function notice (client, code, message) {
  const n = Object.assign(new Error(message), { name: 'notice', severity: 'WARNING', code })
  process.nextTick(() => client.emit('notice', n))
}

module.exports = { transact }

