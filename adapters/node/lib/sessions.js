'use strict'

const net = require('node:net')
const { randomBytes } = require('node:crypto')
const { Session, state, instant, literal } = require('./session')
const { outside } = require('./scope')
const { takeBack, withoutStandbys, controlOf } = require('./prepare')
const { UnreachableError } = require('./errors')

const connectTimeoutMs = 5000
/** How old a spare may get: settings of roles and databases change, and firewalls forget idle connections. */
const spareAgeMs = 60_000
/** How long the end of a session is looked for. */
const goneTimeoutMs = 2000
/** How long after a look that has failed the next one is. */
const goneRetryMs = 50

/** Makes dedicated sessions, each for one shadow, and keeps one ready. */
class Sessions {
  /**
   * @param {object} o
   * @param {Function} o.Client     pg's Client
   * @param {object} o.config       how to connect
   * @param {Function[]} o.hooks    run on each fresh connection: async (client) => {}
   * @param {object} o.layers       as Adapter has them
   * @param {(what: string, err: Error) => void} o.warn
   */
  constructor ({ Client, config, hooks, layers, warn }) {
    Object.assign(this, { Client, config, hooks, layers, warn })
    this.spare = null // a promise of a session, or of null when it failed
    this.closing = false
  }

  /** A session that nobody has used: the spare, or a new one. */
  async take () {
    const spare = this.spare
    this.spare = null
    const session = await spare
    if (session && !session.closed && Date.now() - session.opened < spareAgeMs) return session
    session?.close()
    return this.open(true)
  }

  /** Makes a spare in the background, when there is none. */
  refill () {
    if (this.spare !== null || this.closing) return
    this.spare = this.open(true).catch((err) => {
      this.warn('make a spare session for shadow writes', err)
      return null
    })
  }

  /** Opens a session as the application's pool does, hooks and all. fused: it is to write. */
  async open (fused) {
    const client = outside(() => new this.Client(this.config()))
    const session = new Session(client)
    try {
      await outside(() => client.connect())
      for (const hook of this.hooks) await hook(client)
      await session.prepare(this.layers, fused)
    } catch (err) {
      session.close()
      throw new Error(`open a session for a shadow: ${err.message}${remedy(err)}`, { cause: err })
    }
    return session
  }

  /** A session whose transaction can not commit. */
  async armed (budgetMs, lockTimeoutMs) {
    for (let attempt = 0; ; attempt++) {
      const session = await this.take()
      try {
        await session.arm(randomBytes(16).toString('hex'), budgetMs, lockTimeoutMs, this.layers)
        return session
      } catch (err) {
        const cut = session.closed // the spare had been cut off while it waited
        session.close()
        if (attempt === 0 && cut) continue
        throw new Error(`arm a shadow's session: ${err.message}${remedy(err)}`, { cause: err })
      }
    }
  }

  /** Asks the server to cancel what session does. Errors are met again by who waits for it. */
  cancel (session) {
    const { client } = session
    const socket = client.host?.startsWith('/')
      ? net.connect(`${client.host}/.s.PGSQL.${client.port}`)
      : net.connect(client.port, client.host)
    const request = Buffer.alloc(16)
    ;[16, 80877102, client.processID, client.secretKey].forEach((n, i) => request.writeInt32BE(n | 0, 4 * i))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('error', () => {})
    return new Promise((resolve) => socket.on('close', resolve).end(request))
  }

  /**
   * Ends a session from outside and returns when the server has it no more, nor
   * what it may have prepared; throws when that can not be told. A server that has
   * crashed is asked again while it recovers.
   * @param {?{gid: string, xid: string}} prepared
   */
  async gone (session, prepared) {
    const until = Date.now() + goneTimeoutMs
    for (;;) {
      const client = await this.connect().catch((err) => err)
      try {
        if (client instanceof Error) throw new UnreachableError(`there is no server: ${client.message}`, { cause: client })
        return await endSession(client, session, prepared, until)
      } catch (err) {
        await pause(goneRetryMs) // by then a connection that has broken is known to have
        const away = err instanceof UnreachableError || client.gone
        if (!away || err.other || Date.now() > until) {
          const Failure = away ? UnreachableError : Error
          throw new Failure(`end the session ${session.pid} from outside: ${err.message}`, { cause: err })
        }
      } finally {
        if (!(client instanceof Error)) client.end().catch(() => {})
      }
    }
  }

  /** A plain connection, for work around shadows. */
  async connect () {
    const client = outside(() => new this.Client(this.config()))
    client.on('error', () => {})
    client.once('end', () => { client.gone = true })
    await outside(() => client.connect())
    return client
  }

  async close () {
    this.closing = true
    const spare = await this.spare
    this.spare = null
    await spare?.close()
  }
}

/** Has client end a session, and waits until it is gone. */
async function endSession (client, session, prepared, until) {
  const which = ` FROM pg_catalog.pg_stat_activity WHERE pid = ${session.pid} AND ${instant('backend_start')} = ${literal(session.started)}`
  const same = `${instant('pg_catalog.pg_postmaster_start_time()')} = ${literal(session.server)}`
  await client.query(`SELECT pg_catalog.pg_terminate_backend(pid)${which} AND ${same}`)
  for (;;) {
    const { rows: [row] } = await client.query(`SELECT count(*)::int AS n, ${same} AS same${which}`)
    if (!row.same) throw Object.assign(new UnreachableError('this is another server'), { other: true })
    if (row.n === 0) break
    if (Date.now() > until) throw new Error('it is still there')
    await pause(2)
  }
  if (!prepared) return
  await client.query(withoutStandbys)
  await takeBack(controlOf(client), prepared.gid, prepared.xid)
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The next step after an error of opening or arming. */
function remedy (err) {
  switch (err.code) {
    case state.noSchema: case state.noTable:
      return '\n  the fuse is not installed in this database: quack txshadow install'
    case state.noRight:
      return '\n  this role may not arm the fuse: quack txshadow install --role ROLE'
  }
  return ''
}

/** How to connect for a shadow: as the options of a pool or client say, with our own time limits. */
function sessionConfig (options) {
  const config = typeof options === 'string' ? { connectionString: options } : { ...options }
  // pg hides the password from enumeration.
  if (options.password !== undefined) config.password = options.password
  const timeout = config.connectionTimeoutMillis
  return {
    ...config,
    connectionTimeoutMillis: timeout > 0 ? Math.min(timeout, connectTimeoutMs) : connectTimeoutMs,
    query_timeout: 0,
    pipeline: false
  }
}

module.exports = { Sessions, sessionConfig }
