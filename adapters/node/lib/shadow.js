'use strict'

const { RefusedError, OverError, LostError } = require('./errors')
const { Ledger, readCounts } = require('./ledger')
const { state } = require('./session')

/** How long a cancelled statement is waited for, before its session is ended from outside. */
const patienceMs = 75
/** A cancel request that came before its statement had begun is ignored by the server: it is repeated. */
const cancelEveryMs = 25

/**
 * How many savepoints of a shadow may write. Above 64 subtransactions with an
 * id of their own, snapshots become slow in the whole cluster.
 */
const maxWriters = 60

const ranks = { escape: 4, write: 3, budget: 2, unsupported: 1 }
const rank = (reason) => ranks[reason.split(':')[0]] ?? 0

/**
 * One shadow request under way: everything that its handler sends to the
 * database goes through it, on one session, one statement at a time.
 */
class Shadow {
  /**
   * @param {object} adapter
   * @param {object} marked   what Quack-Shadow says
   * @param {number} deadline of the whole shadow, in ms as Date.now has them
   */
  constructor (adapter, marked, deadline) {
    Object.assign(this, { adapter, id: marked.id, mode: marked.mode, gid: marked.gid, deadline })
    this.writing = marked.mode !== 'readonly'
    this.effects = new Map()
    this.clients = new Map() // what stands for clients of the application's own
    this.reason = ''
    this.over = false
    this.poison = null // what every further statement gets
    this.prepared = null // the id of its transaction, when that may be a prepared one
    this.attach = null // opens the session when the first statement comes
    this.queue = Promise.resolve() // the statement under way and those that wait

    // Of who has the turn.
    this.session = null
    this.serial = 0 // of the last savepoint
    this.open = '' // savepoint of the last statement, released before the next
    this.tx = null // the application's open transaction
    this.unchecked = false // something may wait for a deferred constraint
    this.writers = 0 // savepoints that may have a transaction id of their own
    this.leaked = '' // what the last COMMIT of the application should have ended
    this.books = new Ledger()
  }

  /** Keeps the reason that the acknowledgement will give: a graver one replaces a lesser one. */
  note (reason) {
    if (rank(reason) > rank(this.reason)) this.reason = reason
  }

  /** Notes the reason; the error is for the application. After an attempt to escape nothing more is sent. */
  refuse (reason) {
    const err = new RefusedError(reason)
    this.note(reason)
    if (rank(reason) === ranks.escape) {
      this.adapter.log.error(`shadow request ${this.id} tried to end its transaction (${reason})`)
      this.poison = err
    }
    return err
  }

  /** What stands for a client of the application's own, the same for the whole shadow. */
  clientFor (client, make) {
    if (!this.clients.has(client)) this.clients.set(client, make())
    return this.clients.get(client)
  }

  record (what) { this.effects.set(what, (this.effects.get(what) ?? 0) + 1) }

  /** Records a callback when the application's transaction commits, or now when none is open. */
  recordCallback () {
    if (this.tx) this.tx.callbacks++
    else this.record('callback')
  }

  /** Why nothing more is sent is thrown; nothing while the shadow goes on. */
  alive () {
    if (this.over) throw new OverError()
    if (this.poison) throw this.poison
  }

  /**
   * Runs fn when all that was asked before is done. What it throws after the
   * shadow's end is an OverError: the application has not caused it.
   */
  async inTurn (fn) {
    const before = this.queue
    let leave
    this.queue = new Promise((resolve) => { leave = resolve })
    try {
      await before
      this.alive()
      if (this.session === null) {
        this.session = await this.attach()
        if (this.over) this.session.close() // nobody waits for it any more
        this.alive()
      }
      return await fn()
    } catch (err) {
      throw this.over && !(err instanceof RefusedError) ? new OverError() : err
    } finally {
      leave()
    }
  }

  /**
   * Runs statements of our own. That a savepoint is missing, or the
   * transaction, means that it has been ended behind our back.
   */
  async control (sql) {
    this.alive()
    let rows = []
    let failure = null
    try {
      rows = await this.session.control(sql)
    } catch (err) {
      failure = err
    }
    if (this.adapter.layers.noWatch) return []
    this.watch('unknown', failure)
    if (failure?.code === state.noSavepoint || failure?.code === state.noTx) throw this.escaped('chain')
    if (failure) throw failure
    return rows
  }

  /**
   * Looks at where work has left the session. An idle session, or the fuse's
   * own error, means that the transaction has ended: whatever let that happen,
   * the session is closed at once and nothing more is sent.
   */
  watch (verb, failure) {
    if (this.adapter.layers.noWatch) return
    if (this.session.closed) throw this.lost(failure)
    if (this.session.status === 'I' || failure?.code === state.fuse) throw this.escaped(verb)
  }

  escaped (verb) {
    const err = this.refuse('escape:' + verb)
    this.adapter.log.error(`the transaction of shadow request ${this.id} has ended: something may have been written\n` +
      '  compare the tables of this request with what live requests have written')
    this.session.close()
    return err
  }

  lost (cause) {
    const err = new LostError(cause)
    if (!this.over) this.note('unsupported:session-lost')
    this.poison ??= err
    return err
  }

  /** Makes a savepoint, with more SQL behind it; its mark knows where the books stood. */
  async savepoint (more = '') {
    const name = `_ts_${++this.serial}`
    const rows = await this.control(`${this.released()}SAVEPOINT ${name}${more}${this.books.stale ? ';EXECUTE _ts_counts' : ''}`)
    this.readBooks(rows)
    return this.books.mark(name)
  }

  countWriter () {
    if (++this.writers > maxWriters) throw this.refuse('unsupported:too-many-statements')
  }

  /** SQL that releases the savepoint of the last statement. */
  released () {
    const sql = this.open === '' ? '' : `RELEASE ${this.open};`
    this.open = ''
    return sql
  }

  /** Goes back to a savepoint and puts the books right. The savepoint stays. */
  async rollbackTo (mark, control = (sql) => this.control(sql)) {
    const sql = `ROLLBACK TO ${mark.name}${this.books.stale ? ';EXECUTE _ts_counts' : ''}`
    let rows
    try {
      rows = await control(sql)
    } catch (err) {
      if (err.code !== state.cancelled || this.over) throw err
      rows = await control(sql) // it was a cancel request that came late
    }
    this.readBooks(rows)
    this.books.undone(mark)
  }

  readBooks (results) {
    if (this.books.stale && results.length > 0) this.books.read(readCounts(results.at(-1)))
  }

  /** Stops the shadow; whether its session is free, because the statement under way has ended. */
  async end () {
    this.over = true
    const free = this.queue.then(() => true)
    let stop = false
    const cancel = async () => {
      while (!stop && this.session !== null) {
        await Promise.race([free, this.adapter.sessions.cancel(this.session), pause(cancelEveryMs)])
        await Promise.race([free, pause(cancelEveryMs)])
      }
    }
    const ended = await Promise.race([free, pause(0).then(() => false)])
    if (ended) return true
    cancel()
    const patient = await Promise.race([free, pause(patienceMs).then(() => false)])
    stop = true
    return patient
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

module.exports = { Shadow, rank, ranks }
