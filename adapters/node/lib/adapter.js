'use strict'

const { Codec } = require('./codec')
const { ForeignError } = require('./errors')
const { parseSecrets } = require('./secret')
const { Sessions, sessionConfig } = require('./sessions')
const { Proof } = require('./proof')
const { Orphans } = require('./orphans')
const { queried, watchArrivals } = require('./before')
const { middleware } = require('./middleware')
const { wrapPool, wrapClient } = require('./pool')
const { ignoreOurs } = require('./unhandled')
const { split } = require('./sql/statement')
const scope = require('./scope')

/**
 * @typedef {object} Config
 * @property {string} secret        QUACK_SHADOW_SECRET
 * @property {Pool} [pool]          the application's pool of pg; `adapter.pool` is to be used in its place
 * @property {string|object} [connection] how to connect, as pg's Client takes it, when there is no pool
 * @property {string|object} [direct] where shadows connect to, when `pool` leads to a connection pooler:
 *   on sessions that a pooler shares, a shadow is refused
 * @property {Function} [onConnect] async (client) => {}: run on each session of a shadow, as the pool's own hooks are
 * @property {number} [maxBody]     bytes kept of a request's and of an answer's body; default 8 MiB
 * @property {number} [maxShadows]  shadow writes at once, each with a session of its own; default 4
 * @property {number} [maxReads]    reading shadows at once, likewise; default 4. More of them wait
 * @property {number} [wallCapMs]   how long the transaction of a shadow write may stay open; default 500
 * @property {number} [readCapMs]   the same for reading shadows; default 30000
 * @property {number} [lockTimeoutMs] how long a statement of a shadow may wait for a lock; default 50
 * @property {boolean} [strict]     refuse what may write and has the context of no request, while a shadow runs;
 *   else that is live, and the shadows are acknowledged as unsupported:foreign-context
 * @property {object} [log]         with `warn` and `error`; default console
 */

const defaults = {
  maxBody: 8 << 20, maxShadows: 4, maxReads: 4, wallCapMs: 500, readCapMs: 30_000, lockTimeoutMs: 50, strict: false, log: console
}

/** Rolls shadow requests back. It connects to nothing before the first request of all. */
class Adapter {
  /**
   * @param {Config} config
   * @param {object} layers can be taken away in tests, to show what each is good for
   */
  constructor (config, layers = {}) {
    const { pool, connection, direct, onConnect } = config
    if (!pool && !connection) throw new Error('make an adapter: neither `pool` nor `connection` is set')
    for (const [name, value] of Object.entries(defaults)) this[name] = config[name] ?? value
    this.codec = new Codec(parseSecrets(config.secret))
    this.layers = layers
    const options = direct ?? pool?.options ?? connection
    this.sessions = new Sessions({
      Client: pool?.Client ?? require('pg').Client,
      config: () => sessionConfig(options),
      hooks: [...poolHooks(pool), ...(onConnect ? [onConnect] : [])],
      layers,
      warn: (what, err) => this.log.warn(`${what}: ${err.message}`)
    })
    this.proof = new Proof(this)
    this.orphans = new Orphans(this.sessions, this.log)
    this.pool = pool ? wrapPool(this, pool) : undefined
    this.running = new Set() // shadows whose handlers run
    this.places = { writing: 0, reading: 0, waiting: [] }
    this.foreignCalls = 0 // calls that may write and had the context of no request while a shadow ran
    this.closing = false
    this.stopIgnoring = ignoreOurs()
    this.stopWatching = watchArrivals()
  }

  /** A handler for http.createServer, the outermost, around the application's: (req, res), Express, Koa's callback(). */
  middleware (handler) { return middleware(this, handler) }

  /** What stands for a client of the application's own, outside of a pool. */
  client (client) { return wrapClient(this, client) }

  /** The shadow that the current async context belongs to, null when it is live. Throws when it is another adapter's. */
  shadow () {
    const shadow = scope.current()?.shadow ?? null
    if (shadow && shadow.adapter !== this) throw shadow.refuse('unsupported:two-adapters')
    return shadow
  }

  /** Looks at a live call with the context of no request: it may come before the middleware, or may write while a shadow runs. */
  foreign (query) {
    if (scope.current()) return
    const sql = typeof query === 'string' ? query : query?.text ?? ''
    const reads = () => sql !== '' && split(sql).every((s) => !s.writes && s.refusal === '')
    queried(() => !reads())
    if (this.running.size === 0 || reads()) return
    for (const shadow of this.running) shadow.note('unsupported:foreign-context')
    if (this.foreignCalls++ === 0) {
      this.log.warn('a statement that may write has the context of no request, while a shadow request runs: it is live, and the shadow is not compared\n' +
        `  bind callbacks with AsyncResource.bind; work that belongs to no request should use a pool of its own\n${new Error().stack}`)
    }
    if (this.strict) throw new ForeignError()
  }

  /** How long the transaction of a shadow may stay open, in ms. */
  limit ({ mode, budgetMs }) {
    const most = mode === 'readonly' ? this.readCapMs : this.wallCapMs
    return budgetMs > 0 && budgetMs <= most ? budgetMs : most
  }

  /** A place for a shadow: {free} gives it back, {reason} says why there is none. Reading ones wait for it. */
  async place ({ mode }, deadline) {
    if (this.closing) return { reason: 'unsupported:closing' }
    const { places } = this
    const kind = mode === 'readonly' ? 'reading' : 'writing'
    const most = mode === 'readonly' ? this.maxReads : this.maxShadows
    while (places[kind] >= most) {
      if (kind === 'writing' || Date.now() >= deadline) return { reason: 'unsupported:busy' }
      await Promise.race([
        new Promise((resolve) => places.waiting.push(resolve)),
        new Promise((resolve) => setTimeout(resolve, deadline - Date.now()).unref())
      ])
    }
    places[kind]++
    return {
      free: () => {
        places[kind]--
        places.waiting.shift()?.()
      }
    }
  }

  /** Refuses new shadows, waits for those under way, and closes the spare session. The pool is not closed. */
  async close () {
    this.closing = true
    while (this.running.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await this.orphans.stop()
    this.stopIgnoring()
    this.stopWatching()
    await this.sessions.close()
  }
}

/** The pool's own hooks for a fresh connection. */
function poolHooks (pool) {
  if (!pool) return []
  return [async (client) => {
    await pool.options.onConnect?.(client)
    pool.emit('connect', client)
  }]
}

const createAdapter = (config, layers) => new Adapter(config, layers)

module.exports = { Adapter, createAdapter }
