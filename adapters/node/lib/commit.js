'use strict'

const scope = require('./scope')

/**
 * Runs fn when the application's transaction has committed, or now when none is
 * open. In a shadow fn is not run: it is recorded as a callback that would have
 * been, when the transaction it belongs to would have committed.
 *
 * @param {Function} fn
 * @param {object} [on] the transaction: Knex's trx, or a client of pg
 */
function afterCommit (fn, on) {
  const shadow = scope.current()?.shadow
  if (shadow) return shadow.recordCallback()
  if (on?.executionPromise) return afterKnex(fn, on)
  if (on && inTransaction(on)) return afterClient(fn, on)
  fn()
}

/** The outermost transaction says COMMIT; its promise is rejected when that fails. */
function afterKnex (fn, trx) {
  while (trx.parentTransaction) trx = trx.parentTransaction
  let committed = false
  trx.on('query', ({ sql }) => { committed ||= /^commit\b/i.test(sql) })
  trx.executionPromise.then(() => { if (committed) fn() }, () => {})
}

const inTransaction = (client) => ['T', 'E'].includes(client.getTransactionStatus?.() ?? client._txStatus)

/** Looks at the command tags of the client's connection until the transaction has ended. */
function afterClient (fn, client) {
  const { connection } = client
  let tag = ''
  const complete = (msg) => { tag = msg.text }
  const ready = (msg) => {
    if (msg.status !== 'I') return
    connection.off('commandComplete', complete)
    connection.off('readyForQuery', ready)
    if (tag === 'COMMIT') fn()
  }
  connection.on('commandComplete', complete)
  connection.on('readyForQuery', ready)
}

module.exports = { afterCommit }
