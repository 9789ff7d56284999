'use strict'

const { ShadowClient } = require('./client')
const { mayWrite } = require('./pool')

/**
 * Knex's client for PostgreSQL with shadows in it, for its `client` setting:
 *
 *     const knex = Knex({ client: knexClient(adapter, Knex), connection, pool })
 *
 * In a shadow it hands out the shadow's session in place of a connection of its
 * pool. Nested transactions, which Knex sends as SAVEPOINT, work.
 *
 * @param {Adapter} adapter
 * @param {object} Knex the module
 */
function knexClient (adapter, Knex) {
  const Postgres = resolve(Knex)
  return class QuackPostgres extends Postgres {
    constructor (config) {
      super(config)
      // Transactions of Knex make clients without this constructor.
      adapter.sessions.hooks.push((raw) => this.#setUp(raw))
    }

    /** What Knex does with a connection that it has just made. */
    async #setUp (raw) {
      if (!this.version) this.version = await this.checkVersion(raw)
      await this.setSchemaSearchPath(raw)
      const { afterCreate } = this.config.pool ?? {}
      if (afterCreate) await new Promise((resolve, reject) => afterCreate(raw, (err) => err ? reject(err) : resolve()))
    }

    async acquireConnection () {
      const shadow = adapter.shadow()
      if (!shadow) {
        adapter.foreign(mayWrite)
        return super.acquireConnection()
      }
      shadow.alive()
      const client = new ShadowClient(shadow)
      client.__knexUid = `quack-${shadow.id}`
      return client
    }

    async releaseConnection (connection) {
      if (connection instanceof ShadowClient) return connection.release()
      return super.releaseConnection(connection)
    }

    /** Knex cancels a query that has met its time-out. */
    async cancelQuery (connection) {
      if (connection instanceof ShadowClient) return connection.cancel()
      return super.cancelQuery(connection)
    }
  }
}

/** Knex's own client for PostgreSQL, from the module that the application uses. */
function resolve (Knex) {
  const probe = Knex({ client: 'pg', pool: { min: 0, max: 1 } })
  const Postgres = probe.client.constructor
  probe.destroy()
  return Postgres
}

module.exports = { knexClient }
