'use strict'

const { countsSQL } = require('./ledger')

// A Postgres session with one transaction for one shadow.

/** SQLSTATEs that we act on. */
const state = {
  cancelled: '57014', procedure: '2D000', noTx: '25P01', noSavepoint: '3B001', readOnly: '25006', lock: '55P03',
  noSchema: '3F000', noTable: '42P01', noRight: '42501', fuse: 'QF001'
}

const nameSuffix = 'quack-shadow'

/** How much later than us, in ms, the server ends a statement or an idle transaction. */
const graceOfServer = 100
const limitStep = 50

/** SQL for a timestamptz as text that does not depend on settings. */
const instant = (expr) => `pg_catalog.round(EXTRACT(epoch FROM ${expr})::numeric * 1000000)::bigint::text`

/** Asks what has to be known of a transaction. */
const openSQL = `SELECT pg_catalog.txid_current_if_assigned(), pg_catalog.current_setting('default_transaction_isolation'),
  pg_catalog.current_setting('track_counts'),
  EXISTS (SELECT FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    WHERE c.condeferrable AND n.nspname <> 'txshadow'),
  EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass('txshadow.fuse')
    AND tgname = 'fuse' AND tgenabled = 'A' AND tgdeferrable AND tginitdeferred),
  pg_catalog.current_setting('default_transaction_read_only')`

const identitySQL = `SELECT pg_catalog.pg_backend_pid(),
  (SELECT ${instant('backend_start')} FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()),
  pg_catalog.current_setting('application_name'), pg_catalog.current_setting('server_version_num'),
  ${instant('pg_catalog.pg_postmaster_start_time()')}`

/** Texts as the server sends them, whatever parsers the application has set. */
const asText = { getTypeParser: () => (text) => text }

class IsolationError extends Error {
  constructor () {
    super('default_transaction_isolation is serializable: an open shadow would make live transactions fail with 40001')
  }
}

class Session {
  constructor (client) {
    this.client = client
    this.opened = Date.now()
    this.status = '' // of the transaction, as ReadyForQuery says: I, T, E
    this.closed = false
    this.noTx = false // the server has said that a ROLLBACK found no transaction
    this.parameters = {}
    this.listener = null // what notices are passed on to
    this.ended = new Promise((resolve) => client.once('end', () => {
      this.closed = true
      resolve()
    }))
    client.on('error', () => {}) // met again by the query that it fails
    client.on('notice', (n) => {
      this.noTx ||= n.code === state.noTx
      this.listener?.emit('notice', n)
    })
    client.connection.prependListener('readyForQuery', (m) => { this.status = m.status })
    client.connection.on('parameterStatus', (m) => { this.parameters[m.parameterName] = m.parameterValue })
  }

  /** Sends one query and returns when the session is ready for the next, whatever came of it. */
  async send (query) {
    const drained = new Promise((resolve) => this.client.once('drain', resolve))
    try {
      return await this.client.query(query)
    } finally {
      await Promise.race([drained, this.ended])
    }
  }

  /** Runs statements of our own in one round trip; the rows of each, as texts. */
  async control (sql) {
    const results = await this.send({ text: sql, rowMode: 'array', types: asText })
    return (Array.isArray(results) ? results : [results]).map((r) => r.rows)
  }

  /** Runs statements and returns the one row of the last. */
  async row (sql) {
    const rows = (await this.control(sql)).at(-1)
    if (rows.length !== 1) throw new Error(`${rows.length} rows where one was expected`)
    return rows[0]
  }

  /** Makes a fresh connection fit for one shadow, after the application's own hooks have run on it. */
  async prepare (layers, fused) {
    const [pid, started, name, version, server] = await this.row(identitySQL)
    Object.assign(this, { pid: this.client.processID, started, server })
    if (this.status !== 'I') throw new Error(`a connect hook has left a transaction open (status ${this.status})`)
    if (pid !== String(this.pid)) {
      throw new Error('a connection pooler stands before the database: the process that serves the session is not the one that it announced\n' +
        "  a pooler would hand the session's settings on to live work; set `direct` to the database itself")
    }
    // A rehearsal: a request does not wait for plans and cold caches, and what is missing is found now.
    await this.control('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;' +
      (fused && !layers.noFuse ? "INSERT INTO txshadow.fuse (nonce) SELECT '' WHERE false;" : '') +
      `PREPARE _ts_open AS ${openSQL}; PREPARE _ts_counts AS ${countsSQL}; EXECUTE _ts_open; EXECUTE _ts_counts; ROLLBACK`)
    await this.control(`SET application_name = ${literal(shadowName(name))}; SET synchronous_commit = local` +
      (layers.noBelt ? '' : '; SET default_transaction_read_only = on'))
    // What hooks have written would count as the shadow's otherwise.
    this.flushed = Number(version) >= 150000
    if (this.flushed) await this.control('SELECT pg_catalog.pg_stat_force_next_flush()')
  }

  /**
   * Opens the transaction that can not commit, in one round trip: the fuse
   * first, then the limits that protect others.
   */
  async arm (nonce, budgetMs, lockTimeoutMs, layers) {
    await this.#open('READ WRITE;' + (layers.noFuse ? '' : `INSERT INTO txshadow.fuse (nonce) VALUES (${literal(nonce)});`), budgetMs, lockTimeoutMs)
    this.nonce = nonce
    if (!this.fused && !layers.noFuse) throw new Error('the trigger of txshadow.fuse is missing or switched off\n  install it anew: quack txshadow install')
    if (!this.belted && !layers.noBelt) throw new Error("default_transaction_read_only is not on in the shadow's session")
  }

  /** Opens a transaction that can not write. */
  beginReadOnly (budgetMs, lockTimeoutMs) { return this.#open('READ ONLY;', budgetMs, lockTimeoutMs) }

  /** Begins with the isolation of the session's default, which it has to ask for. */
  async #open (access, budgetMs, lockTimeoutMs) {
    this.isolation = 'read committed'
    for (let i = 0; i < 2; i++) {
      const usual = await this.#begin(`BEGIN ISOLATION LEVEL ${this.isolation} ${access}`, budgetMs, lockTimeoutMs)
      if (usual === this.isolation) return
      await this.control('ROLLBACK')
      if (usual === 'serializable') throw new IsolationError()
      this.isolation = usual
    }
    throw new Error('default_transaction_isolation does not stay what it is')
  }

  async #begin (begin, budgetMs, lockTimeoutMs) {
    // In steps, because pg_stat_statements keeps each spelling of a SET.
    this.limitMs = Math.floor((budgetMs + graceOfServer) / limitStep) * limitStep + limitStep
    this.lockTimeoutMs = lockTimeoutMs
    const row = await this.row(`${begin}SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${this.limitMs};` +
      `SET LOCAL idle_in_transaction_session_timeout = ${this.limitMs};EXECUTE _ts_open`)
    const [xid, usual] = row
    Object.assign(this, { xid, counting: row[2] === 'on', deferrable: row[3] === 't', fused: row[4] === 't', belted: row[5] === 'on' })
    if (this.status !== 'T') throw new Error(`the transaction has status ${this.status}`)
    return usual === 'read uncommitted' ? 'read committed' : usual // the same in PostgreSQL
  }

  /** What to send in place of a statement that sets a guard, '' for itself: it may only lower it. */
  guarded ({ name, to }) {
    const ours = name === 'lock_timeout' ? this.lockTimeoutMs : this.limitMs
    return to >= 1 && to < ours ? '' : `SET LOCAL ${name} = ${ours}`
  }

  /**
   * Ends the transaction, in one round trip with what is asked of it before.
   * `answers` is null when that failed, or nothing was asked; `escaped` says
   * that there was no transaction.
   */
  async rollback (ask) {
    if (this.status === 'I') return { answers: null, escaped: true }
    this.noTx = false
    let answers = null
    let failure = null
    const attempt = async (sql) => {
      try {
        failure = null
        return await this.control(sql)
      } catch (err) {
        failure = err
        return null
      }
    }
    if (ask !== '') answers = await attempt(ask + ';ROLLBACK')
    // Twice: a cancel request that comes late may hit the first.
    for (let i = 0; i < 2 && this.status !== 'I' && !this.closed; i++) {
      answers = null
      await attempt('ROLLBACK')
    }
    if (this.status !== 'I' || this.closed) throw failure ?? new Error(`after ROLLBACK the session has status ${this.status}`)
    return { answers, escaped: this.noTx }
  }

  /** Closes the connection and returns when it is closed, or after a second. */
  async close () {
    this.client.end().catch(() => {})
    const timer = new Promise((resolve) => setTimeout(resolve, 1000).unref())
    await Promise.race([this.ended, timer])
    if (!this.closed) this.client.connection.stream.destroy()
  }
}

/** The application's name with our suffix, by which watchdogs find shadows. PostgreSQL cuts at 63 bytes. */
function shadowName (application) {
  const room = Buffer.from(application).subarray(0, 62 - nameSuffix.length).toString().replace(/\ufffd$/, '')
  return room === '' ? nameSuffix : `${room} ${nameSuffix}`
}

/** Quotes s for SQL whatever standard_conforming_strings says. s has no NUL. */
const literal = (s) => ` E'${s.replace(/['\\]/g, '\\$&')}'`

module.exports = { Session, IsolationError, state, instant, literal }
