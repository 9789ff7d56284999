'use strict'

const { state } = require('./session')
const { canPrepareSQL } = require('./prepare')

/** How long one proof answers for, and one that has failed is not repeated, in ms. */
const proofForMs = 4000
const failureForMs = 1000
/**
 * How often a proof is a drill, which leaves two errors in the server's log.
 * Between drills a session is armed, which looks at the fuse's trigger and the
 * belt.
 */
const drillEveryMs = 60_000
const proofTimeoutMs = 3000

/** Shows that a shadow can not commit. */
class Proof {
  constructor (adapter) {
    this.adapter = adapter
    this.until = 0
    this.drilled = 0
    this.failed = false
    this.last = null // a promise: one proof at a time
    this.prepares = false // mode=prepare is offered
  }

  /** @returns {Promise<{prepare: boolean}>} rejects with why a shadow could commit */
  prove () {
    if (this.last === null || Date.now() >= this.until) {
      this.until = Infinity // until it is known
      this.last = this.#renew()
      this.last.catch(() => {})
    }
    return this.last
  }

  async #renew () {
    const drill = this.failed || Date.now() - this.drilled > drillEveryMs
    try {
      this.prepares = await this.#drill(drill)
      this.failed = false
      this.until = Date.now() + proofForMs
      if (drill) this.drilled = Date.now()
      return { prepare: this.prepares }
    } catch (err) {
      this.failed = true
      this.until = Date.now() + failureForMs
      throw err
    } finally {
      this.adapter.sessions.refill()
    }
  }

  /**
   * Arms a session and, when it is a whole drill, tries to commit, as an
   * application would that has got past the interception: the fuse has to
   * refuse the commit, and the belt what is written after it.
   * @returns {Promise<boolean>} whether the server can be asked for mode=prepare
   */
  async #drill (whole) {
    const { sessions, lockTimeoutMs, orphans } = this.adapter
    const session = await sessions.armed(proofTimeoutMs, lockTimeoutMs)
    try {
      const [can] = await session.row(canPrepareSQL)
      if (can === 't') orphans.again()
      if (!whole) return can === 't'
      const commit = await outcome(session, 'COMMIT')
      if (commit.code !== state.fuse) throw new Error(`the fuse did not refuse a COMMIT (${commit.message})\n  install it anew: quack txshadow install`)
      if (session.status !== 'I') throw new Error(`after the fuse the session has status ${session.status}`)
      const write = await outcome(session, "INSERT INTO txshadow.fuse (nonce) VALUES ('drill')")
      if (write.code !== state.readOnly) throw new Error(`the session did not refuse to write after its transaction (${write.message})`)
      return can === 't'
    } finally {
      session.close()
    }
  }
}

const outcome = (session, sql) => session.control(sql).then(() => ({ message: 'it was accepted' }), (err) => err)

module.exports = { Proof }
