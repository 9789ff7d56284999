'use strict'

const http = require('node:http')
const { createHash } = require('node:crypto')
const { Pool } = require('pg')
const { createAdapter } = require('../lib')
const { Codec } = require('../lib/codec')
const { nestedMark } = require('../lib/baggage')

const secret = 'a secret of tests that is long enough'
/** A database with the fuse, which the Go test beside this folder makes. */
const dsn = process.env.QUACK_TEST_DSN

const codec = new Codec([secret])
let serial = 0

/**
 * A service whose handler is `handle(req, res)`, an adapter and a pool around it.
 * It ends with the test t.
 */
async function serve (t, handle, config = {}, layers = {}) {
  const live = new Pool({ connectionString: dsn, max: 5 })
  const logged = []
  const log = { warn: (m) => logged.push(m), error: (m) => logged.push(m) }
  const adapter = createAdapter({ secret, pool: live, wallCapMs: 20_000, log, ...config }, layers)
  await live.query('DROP TABLE IF EXISTS notes; CREATE TABLE notes (id serial PRIMARY KEY, note text UNIQUE)')
  const server = http.createServer(adapter.middleware((req, res) => handle(req, res, adapter)))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await adapter.close()
    await live.end()
  })
  const url = `http://127.0.0.1:${server.address().port}`
  const count = async () => (await live.query('SELECT count(*)::int AS n FROM notes')).rows[0].n
  return { adapter, pool: adapter.pool, live, logged, count, url, secret, shadow: (options) => shadow(url, options), get: (path = '/') => fetch(url + path) }
}

/** Sends a shadow request and reads its acknowledgement. */
async function shadow (url, { path = '/', mode = 'rollback', method = 'POST', budget = 15_000, body = '' } = {}) {
  const id = `request-${++serial}`
  const t = String(Math.floor(Date.now() / 1000))
  const hash = createHash('sha256').update(body).digest('hex')
  const sig = codec.sign('quack-shadow-v1', id, mode, t, String(budget), method, path, hash)
  const res = await fetch(url + path, {
    method,
    body: method === 'GET' ? undefined : body,
    headers: {
      'Quack-Request-Id': id,
      'Quack-Shadow': `v1;id=${id};mode=${mode};t=${t};budget=${budget};target=${Buffer.from(path).toString('base64url')};sig=${sig}`,
      Baggage: 'quack.shadow=' + nestedMark(codec, id)
    }
  })
  const result = res.headers.get('quack-shadow-result') ?? ''
  const [, outcome, reason] = /outcome=([^;]*);reason=([^;]*)/.exec(result) ?? []
  if (result !== '' && result !== codec.result(id, outcome, reason)) throw new Error(`signed wrong: ${result}`)
  return { status: res.status, outcome, reason, footprint: res.headers.get('quack-footprint'), headers: res.headers, body: await res.text() }
}

/** A handler that answers with what fn returns, as JSON. */
const json = (fn) => async (req, res, adapter) => {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify(await fn(adapter.pool, req, adapter) ?? null))
}

module.exports = { serve, json, shadow, secret, dsn }
