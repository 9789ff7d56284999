'use strict'

const { rollbackPrepared, withoutStandbys, controlOf } = require('./prepare')

/** How old a prepared transaction of ours is before it counts as left behind, in s. */
const orphanAge = 10
const everyMs = 30_000

const orphansSQL = `SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid ~ '^txshadow-[a-z0-9]{1,32}-[0-9]{1,19}$' AND owner = current_user
  AND database = pg_catalog.current_database() AND prepared < pg_catalog.clock_timestamp() - interval '${orphanAge} s'`

/** Rolls back what processes that were killed have left prepared: from start on, and then every 30 s. */
class Orphans {
  #timer = null
  #none = false // the server takes no prepared transactions
  constructor (sessions, log) {
    this.sessions = sessions
    this.log = log
  }

  /** Starts to look, once. */
  start () {
    if (this.#timer !== null || this.#none) return
    this.#timer = setInterval(() => this.#look(), everyMs)
    this.#timer.unref()
    this.looking = this.#look()
  }

  /** Starts to look where the server had taken no prepared transactions, and takes them now. */
  again () {
    this.#none = false
    this.start()
  }

  stop () {
    clearInterval(this.#timer)
    return this.looking
  }

  async #look () {
    try {
      if (await this.#rollBack()) return
      this.#none = true
      clearInterval(this.#timer)
      this.#timer = null
    } catch (err) {
      this.log.warn(`look for prepared transactions that shadows have left behind: ${err.message}`)
    }
  }

  /** @returns {Promise<boolean>} false when the server takes no prepared transactions */
  async #rollBack () {
    const client = await this.sessions.connect()
    try {
      const { rows: [{ possible }] } = await client.query("SELECT pg_catalog.current_setting('max_prepared_transactions') <> '0' AS possible")
      if (!possible) return false
      await client.query(withoutStandbys)
      const { rows } = await client.query(orphansSQL)
      for (const { gid } of rows) {
        await rollbackPrepared(controlOf(client), gid)
        this.log.warn(`rolled back a prepared transaction that a shadow had left behind: ${gid}`)
      }
      return true
    } finally {
      client.end().catch(() => {})
    }
  }
}

module.exports = { Orphans }
