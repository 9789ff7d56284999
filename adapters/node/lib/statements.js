'use strict'

const { split, protectedText } = require('./sql/statement')
const { state } = require('./session')
const { allButFuse, checkDeferred } = require('./deferred')
const { transact } = require('./transactions')

// What an application sends, on its way to a shadow's session.

/**
 * Sends what the application has asked for, when it may be sent.
 * @param {Shadow} shadow
 * @param {?ShadowClient} client on which it was sent; null for the pool's own query
 * @param {object} query plain fields of a pg QueryConfig
 * @returns {Promise<Result>} pg's
 */
function send (shadow, client, query) {
  return shadow.inTurn(async () => {
    const free = shadow.adapter.layers.noInterception
    const stmts = free ? [] : await statementsOf(shadow, query)
    if (stmts.length === 1 && stmts[0].transaction && client) return transact(shadow, client, stmts[0], query)
    const text = free ? query.text : await admit(shadow, client, query, stmts)
    return perform(shadow, client, stmts, text === undefined ? query : { ...query, text })
  })
}

/** The statements of a query; of a prepared one that has no text, what was prepared. */
async function statementsOf (shadow, query) {
  const { connection } = shadow.session.client
  let text = query.text
  if (text === undefined || text === null || text === '') {
    const name = query.name ?? ''
    text = connection.parsedStatements[name] ?? connection.submittedNamedStatements?.[name] ?? await preparedText(shadow, name)
  }
  return split(String(text), shadow.session.parameters.standard_conforming_strings === 'off')
}

/** The SQL of the prepared statement called name, '' when there is none. */
async function preparedText (shadow, name) {
  if (name === '') return ''
  const { rows } = await shadow.session.send({
    text: 'SELECT statement FROM pg_catalog.pg_prepared_statements WHERE name = $1', values: [name]
  })
  return rows[0]?.statement ?? ''
}

/** Judges what is sent, and returns the SQL to send for it; undefined when there is none to put in its place. */
async function admit (shadow, client, query, stmts) {
  if (shadow.leaked !== '' && stmts.length > 0) shadow.note('unsupported:' + shadow.leaked)
  for (const st of stmts) await judge(shadow, client, query, st)
  const encoding = shadow.session.parameters.client_encoding
  if (encoding !== undefined && encoding !== 'UTF8' && encoding !== 'SQL_ASCII') throw shadow.refuse('unsupported:client_encoding')
  let text = query.text
  for (const st of stmts.toReversed?.() ?? [...stmts].reverse()) {
    let instead = ''
    if (st.guard) instead = shadow.session.guarded(st.guard)
    else if (st.allImmediate && shadow.writing) instead = await allButFuse(shadow)
    if (instead !== '' && typeof text === 'string') text = text.slice(0, st.start) + instead + text.slice(st.end)
  }
  return text
}

/** Refuses a statement, or keeps in mind what it leaves behind. */
async function judge (shadow, client, query, st) {
  const against = (s) => s.refusal === '' && shadow.writing ? s.blocks : s.refusal
  if (against(st) !== '') throw shadow.refuse(against(st))
  const tx = transactionOn(shadow, client)
  if (st.savepoint !== '' && !tx) throw shadow.refuse('unsupported:savepoint-outside-transaction')
  if (st.writable && !shadow.writing) throw shadow.refuse('unsupported:read-write')
  if (st.executes !== '') {
    for (const s of split(await preparedText(shadow, st.executes))) {
      if (against(s) !== '') throw shadow.refuse(against(s))
    }
  }
  if (st.setsConfig) {
    for (const value of Array.isArray(query.values) ? query.values : []) {
      if (typeof value === 'string' && protectedText(value) !== '') throw shadow.refuse(protectedText(value))
    }
  }
  if (st.leak !== '' && tx) tx.leak = st.leak
  else if (st.leak !== '') shadow.leaked = st.leak
}

/** The application's transaction that is open on client, null when there is none. */
const transactionOn = (shadow, client) => client && shadow.tx?.client === client ? shadow.tx : null

/**
 * Sends work. Outside of a transaction of the application it has a savepoint of
 * its own, so that what fails takes nothing else with it.
 */
async function perform (shadow, client, stmts, query) {
  const tx = transactionOn(shadow, client)
  const writes = stmts.some((s) => s.writes) || shadow.adapter.layers.noInterception
  const savepoint = tx ? await savepointBefore(shadow, tx, stmts) : null
  const mark = tx ? null : await before(shadow, writes)
  if (writes && shadow.writing) shadow.books.stale = shadow.unchecked = true
  let result
  let failure = null
  shadow.session.listener = client
  try {
    result = await shadow.session.send(query)
  } catch (err) {
    failure = err
  }
  shadow.watch(verbOf(stmts), failure)
  if (shadow.over) throw failure ?? new Error('the shadow is over')
  observe(shadow, tx, stmts, failure)
  if (tx) await savepointAfter(shadow, tx, stmts, savepoint, failure)
  else failure = await after(shadow, mark, failure)
  if (failure) throw failure
  return result
}

/** What to call the work: the first statement that has something against it, else the first. */
function verbOf (stmts) {
  const escape = stmts.find((s) => s.refusal.startsWith('escape:'))
  return escape ? escape.refusal.slice('escape:'.length) : stmts[0]?.verb || 'unknown'
}

/** Makes the savepoint of work outside of a transaction. */
async function before (shadow, writes) {
  // On a connection of its own it would have run.
  if (shadow.tx && shadow.session.status === 'E') throw shadow.refuse('unsupported:concurrent-statements')
  // The application's ROLLBACK will take it back here, and there not.
  if (shadow.tx && writes) shadow.note('unsupported:concurrent-writes')
  if (writes) shadow.countWriter()
  return shadow.savepoint()
}

/** Ends the savepoint of work outside of a transaction, as its commit or its rollback; what became of the work. */
async function after (shadow, mark, failure) {
  if (!failure && shadow.unchecked) {
    try {
      await checkDeferred(shadow)
    } catch (err) {
      failure = err
    }
  }
  if (shadow.session.status === 'E') await shadow.rollbackTo(mark)
  shadow.open = mark.name
  // A savepoint of the transaction that follows must not be inside this one.
  if (shadow.tx) await shadow.control(shadow.released())
  return failure
}

/** Reads the books before a SAVEPOINT of the application, which will need to know where they stood. */
async function savepointBefore (shadow, tx, stmts) {
  if (!stmts.some((s) => s.verb === 'savepoint') || shadow.session.status === 'E') return null
  shadow.countWriter()
  if (shadow.books.stale) shadow.readBooks(await shadow.control('EXECUTE _ts_counts'))
  return { ...shadow.books.mark(stmts[0].savepoint), callbacks: tx.callbacks }
}

/** Keeps the application's own savepoints in mind, and the books right when it goes back to one. */
async function savepointAfter (shadow, tx, stmts, savepoint, failure) {
  const st = stmts.find((s) => s.savepoint !== '')
  if (!st || failure) return
  const at = tx.savepoints.findLastIndex((m) => m.name === st.savepoint)
  if (stmts.length > 1) {
    shadow.books.lost = true
  } else if (st.verb === 'savepoint') {
    tx.savepoints.push(savepoint)
  } else if (at < 0) {
    shadow.books.lost = true
  } else if (st.verb === 'release') {
    tx.savepoints.length = at
  } else {
    const mark = tx.savepoints[at]
    tx.savepoints.length = at + 1
    tx.callbacks = mark.callbacks
    if (shadow.books.stale) shadow.readBooks(await shadow.control('EXECUTE _ts_counts'))
    shadow.books.undone(mark)
  }
}

/** Notes errors that say something about the shadow. */
function observe (shadow, tx, stmts, failure) {
  if (failure?.code === state.readOnly && !shadow.writing && !tx?.readOnly) {
    const st = stmts.find((s) => s.writes) ?? stmts[0]
    shadow.note(['write', state.readOnly, st?.verb, st?.table].filter(Boolean).join(':'))
  }
  // COMMIT or ROLLBACK in a procedure, which is not called by itself here; in a transaction it fails live as well.
  if (failure?.code === state.procedure && !tx) shadow.note('unsupported:procedure')
  // Not NOWAIT, with which the application itself asked for it.
  if (failure?.code === state.lock && failure.routine === 'ProcessInterrupts') shadow.note('unsupported:lock-timeout')
}

module.exports = { send }
