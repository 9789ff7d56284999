'use strict'

const { rank, ranks } = require('./shadow')
const { readCounts } = require('./ledger')
const { IsolationError } = require('./session')
const { prepareAndRollback } = require('./prepare')
const { UnreachableError } = require('./errors')

/** How long the statements that end a transaction may take. */
const rollbackMs = 2000

/**
 * Opens what a shadow needs before its handler runs: one that writes gets its
 * armed session, one that reads opens it with its first statement.
 * @returns {Promise<string>} why nothing has been started, '' when it has
 */
async function start (shadow, limitMs) {
  const { sessions, lockTimeoutMs, log } = shadow.adapter
  if (!shadow.writing) {
    shadow.attach = () => attachReading(shadow)
    return ''
  }
  let session = null
  try {
    session = await sessions.armed(limitMs, lockTimeoutMs)
    if (!session.flushed) await openBooks(shadow, session)
    shadow.session = session
    return ''
  } catch (err) {
    session?.close()
    log.error(`shadow write ${shadow.id} was not run: ${err.message}`)
    return err.cause instanceof IsolationError ? 'unsupported:isolation' : 'unsupported:arm'
  } finally {
    sessions.refill()
  }
}

/** Takes what the session has written before as void. */
async function openBooks (shadow, session) {
  const counts = readCounts((await session.control('EXECUTE _ts_counts')).at(-1))
  shadow.books.last = shadow.books.void = counts
}

async function attachReading (shadow) {
  const { sessions, lockTimeoutMs, log } = shadow.adapter
  const session = await sessions.open(false)
  try {
    await session.beginReadOnly(Math.max(shadow.deadline - Date.now(), 1), lockTimeoutMs)
    return session
  } catch (err) {
    session.close()
    log.error(`reading shadow ${shadow.id} was not run: ${err.message}`)
    throw err instanceof IsolationError ? shadow.refuse('unsupported:isolation') : err
  }
}

/**
 * Ends the shadow and rolls its transaction back. `rolledBack` says that the
 * server has confirmed it: it holds no lock for it any more. `tables` is what
 * was written, null when that is not known. `unreachable` says that it is not
 * confirmed because there is no server to ask.
 * @returns {Promise<{rolledBack: boolean, reason: string, tables: ?Array, unreachable: ?boolean}>}
 */
async function finish (shadow) {
  if (!await shadow.end()) return endFromOutside(shadow, 'a statement did not end when it was cancelled')
  const { session } = shadow
  if (session === null) return { rolledBack: true, reason: shadow.reason, tables: shadow.writing ? null : [] }
  if (session.closed) return endFromOutside(shadow, '')
  try {
    const ended = await within(rollbackMs, rollBack(shadow, session))
    session.close()
    return ended
  } catch (err) {
    return endFromOutside(shadow, `roll back: ${err.message}`)
  }
}

async function rollBack (shadow, session) {
  const ask = await questions(shadow, session)
  const prepared = shadow.mode === 'prepare' && shadow.reason === '' && ask !== ''
  const { answers, escaped } = prepared ? await prepareAndRollback(shadow, session, ask) : await session.rollback(ask)
  if (escaped && !shadow.adapter.layers.noWatch) {
    shadow.escaped('unknown')
    return endFromOutside(shadow, '')
  }
  const tables = footprint(shadow, session, answers)
  return { rolledBack: true, reason: shadow.reason, tables }
}

/**
 * What to ask of a transaction before it is rolled back: whether it is still
 * the one that was armed, and what it has written. '' when the answers would be
 * of no use.
 */
async function questions (shadow, session) {
  if (!shadow.writing || rank(shadow.reason) >= ranks.budget) return ''
  if (shadow.tx) { // never committed: the pool's client would have rolled it back, or kept it open
    try {
      await shadow.rollbackTo(shadow.tx.mark, (sql) => session.control(sql))
    } catch {
      return ''
    }
  }
  return 'SELECT pg_catalog.txid_current_if_assigned();EXECUTE _ts_counts'
}

function footprint (shadow, session, answers) {
  if (answers === null || answers.length < 2) return null
  const [[[xid]], counts] = answers
  if (session.xid !== null && xid !== session.xid && !shadow.adapter.layers.noWatch) {
    shadow.escaped('chain')
    return null
  }
  shadow.books.read(readCounts(counts))
  return shadow.books.lost || !session.counting ? null : shadow.books.footprint()
}

/** Ends the session by another one, when its own connection can not be used any more. */
async function endFromOutside (shadow, why) {
  const { sessions, log } = shadow.adapter
  if (why !== '') log.warn(`the session of shadow ${shadow.id} is ended from outside: ${why}`)
  shadow.session?.close()
  if (!shadow.writing) return { rolledBack: true, reason: shadow.reason, tables: null }
  try {
    await sessions.gone(shadow.session, shadow.prepared && { gid: shadow.gid, xid: shadow.prepared })
    return { rolledBack: true, reason: shadow.reason, tables: null }
  } catch (err) {
    log.error(`the end of the transaction of shadow ${shadow.id} can not be confirmed: ${err.message}`)
    return { rolledBack: false, reason: shadow.reason, tables: null, unreachable: err instanceof UnreachableError }
  }
}

function within (ms, promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${ms} ms`)), ms)
  })
  promise.catch(() => {}) // when it fails later than that
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

module.exports = { start, finish }
