'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { Client } = require('pg')
const { active, afterCommit, carry, record } = require('../lib')
const { serve, json, dsn } = require('./harness')

const options = { skip: dsn === undefined && 'QUACK_TEST_DSN is not set' }
const insert = "INSERT INTO notes (note) VALUES ('n' || nextval('notes_id_seq'))"
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

test('at the budget the shadow ends, and what it has left running is not sent', options, async (t) => {
  let left
  const s = await serve(t, (req, res, { pool }) => {
    left = pool.query(`${insert}; SELECT pg_sleep(30)`).catch((err) => pool.query(insert).catch((after) => [err, after]).finally(() => res.end()))
  })
  const began = Date.now()
  const out = await s.shadow({ budget: 300 })
  assert.deepEqual([out.outcome, out.reason], ['rolled-back', 'budget'])
  assert.ok(Date.now() - began < 15_000)
  assert.deepEqual((await left).map((err) => err.code), ['QUACK_OVER', 'QUACK_OVER'])
  assert.equal(await s.count(), 0)
})

test('a rejection of ours that nobody handles does not end the process, another one does', async () => {
  const child = (reason, flags = []) => spawnSync(process.execPath, [...flags, '-e', `
    const { ignoreOurs } = require('./lib/unhandled')
    const { OverError } = require('./lib/errors')
    ignoreOurs()
    Promise.reject(${reason})
    setTimeout(() => console.log('still here'), 100)`], { cwd: path.join(__dirname, '..'), encoding: 'utf8' })
  const ours = child('new OverError()')
  assert.deepEqual([ours.status, ours.stdout], [0, 'still here\n'])
  const theirs = child("new Error('of the application')")
  assert.deepEqual([theirs.status, theirs.stdout], [1, ''])
  assert.match(theirs.stderr, /of the application/)
  const warned = child("new Error('of the application')", ['--unhandled-rejections=warn'])
  assert.deepEqual([warned.status, warned.stdout], [0, 'still here\n'])
})

test('what has the context of no request is live and noticed, and refused when strict', options, async (t) => {
  for (const strict of [false, true]) {
    let ask
    const s = await serve(t, json(async (pool) => {
      await pool.query(insert)
      await new Promise((resolve) => ask(resolve))
    }), { strict })
    const errors = []
    const outside = async (resolve) => {
      await s.pool.query('SELECT 1').catch((err) => errors.push(err)) // a plain read is nobody's business
      await s.pool.query(insert).catch((err) => errors.push(err))
      resolve()
    }
    const turn = new Promise((resolve) => { ask = resolve }) // resolved in the shadow, awaited outside of it
    const done = turn.then(outside)
    const out = await s.shadow()
    await done
    assert.equal(out.reason, 'unsupported:foreign-context')
    assert.deepEqual(errors.map((e) => e.code), strict ? ['QUACK_FOREIGN'] : [])
    assert.equal(await s.count(), strict ? 0 : 1)
    assert.equal(s.adapter.foreignCalls, 1)
  }
})

test('frameworks may change the prototypes of request and response', options, async (t) => {
  const s = await serve(t, async (req, res, { pool }) => {
    Object.setPrototypeOf(req, Object.create(http.IncomingMessage.prototype))
    Object.setPrototypeOf(res, Object.create(http.ServerResponse.prototype))
    let body = ''
    for await (const chunk of req) body += chunk
    await pool.query(insert)
    res.writeHead(202, 'Fine', ['X-One', '1', 'X-Two', '2'])
    res.write(body)
    res.write(Buffer.from(' and '), () => res.end('more'))
    res.once('close', () => assert.equal(res.writableFinished, true))
  })
  const out = await s.shadow({ body: 'this' })
  assert.deepEqual([out.status, out.body, out.headers.get('x-two'), out.reason], [202, 'this and more', '2', ''])
  assert.equal(out.footprint, 'tables=("public.notes";ins=1)')
  assert.equal(await s.count(), 0)
})

test('an answer that is too long is acknowledged and not sent', options, async (t) => {
  const s = await serve(t, (req, res) => res.end('x'.repeat(2000)), { maxBody: 1000 })
  const out = await s.shadow()
  assert.deepEqual([out.reason, out.body], ['unsupported:answer-size', ''])
  assert.match(out.headers.get('repr-digest'), /^sha-256=:/)
  const long = await s.shadow({ body: 'y'.repeat(2000) })
  assert.equal(long.reason, 'unsupported:body-size')
})

test('a handler that fails is answered with 500, and rolled back', options, async (t) => {
  for (const fail of [
    async (pool) => { await pool.query(insert); throw new Error('on purpose') },
    (pool, req, res) => { res.write('half'); res.destroy() },
    () => { throw new Error('at once') }
  ]) {
    const s = await serve(t, (req, res, { pool }) => fail(pool, req, res))
    const out = await s.shadow()
    assert.deepEqual([out.status, out.outcome, await s.count()], [500, 'rolled-back', 0])
  }
})

test('effects are recorded in a shadow, and those of callbacks when their transaction would commit', options, async (t) => {
  const ran = []
  const s = await serve(t, json(async (pool) => {
    const client = await pool.connect()
    for (const end of ['ROLLBACK', 'COMMIT']) {
      await client.query('BEGIN')
      afterCommit(() => ran.push(end), client)
      await client.query(end)
    }
    client.release()
    afterCommit(() => ran.push('at once'))
    if (!record('mail', 'Welcome')) ran.push('mail')
    return active()
  }))
  const out = await s.shadow()
  assert.deepEqual([out.body, ran], ['true', []])
  assert.equal(out.footprint, 'tables=(), effects=("callback";n=2 "mail:Welcome";n=1)')
  assert.equal(await (await s.get()).text(), 'false')
  assert.deepEqual(ran, ['COMMIT', 'at once', 'mail'])
})

test('calls to services of your own carry the mark of the shadow, by which a write is refused', options, async (t) => {
  const s = await serve(t, async (req, res, { pool }) => {
    if (req.url === '/called') {
      await pool.query(insert)
      return res.end()
    }
    const { status } = await fetch(`http://${req.headers.host}/called`, { method: 'POST', headers: carry({ 'X-Mine': '1' }) })
    res.end(String(status))
  })
  assert.equal((await s.shadow()).body, '409')
  assert.equal(await s.count(), 0)
  assert.equal(await (await s.get()).text(), '200')
  assert.equal(await s.count(), 1)
})

test("a client of the application's own leads to the shadow's session", options, async (t) => {
  const own = new Client({ connectionString: dsn })
  await own.connect()
  t.after(() => own.end())
  const s = await serve(t, json(async (pool, _, adapter) => {
    const client = adapter.client(own)
    await client.query('BEGIN')
    await client.query(insert)
    await client.query('COMMIT')
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM notes')
    return rows[0].n
  }))
  const out = await s.shadow()
  assert.deepEqual([out.body, out.reason, await s.count()], ['1', '', 0])
  await s.get()
  assert.equal(await s.count(), 1)
})

test('hooks of the pool run on the session of a shadow, and what they write is not counted', options, async (t) => {
  const s = await serve(t, json(async (pool) => (await pool.query('SHOW search_path')).rows[0].search_path))
  s.live.on('connect', (client) => client.query("SET search_path = 'pg_catalog', 'public'"))
  assert.equal((await s.shadow()).body, '"pg_catalog, public"')
})

test('more shadows than there are places are busy, and a place is given back', options, async (t) => {
  const s = await serve(t, json((pool) => pool.query('SELECT pg_sleep(0.5)')), { maxShadows: 2 })
  const reasons = (await Promise.all([1, 2, 3].map(() => s.shadow()))).map((o) => o.reason).sort()
  assert.deepEqual(reasons, ['', '', 'unsupported:busy'])
  assert.equal((await s.shadow()).reason, '')
})

test('a session that is ended from outside is noticed', options, async (t) => {
  const s = await serve(t, json(async (pool) => {
    await pool.query(insert)
    const { rows } = await pool.query('SELECT pg_backend_pid() AS pid')
    await s.live.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
    await pool.query(insert).catch(() => {})
  }))
  const out = await s.shadow()
  assert.deepEqual([out.outcome, out.reason, await s.count()], ['rolled-back', 'unsupported:session-lost', 0])
})

test('no session of a shadow is left, and none has borrowed a connection of the pool', options, async (t) => {
  const s = await serve(t, json((pool) => pool.query(insert)))
  await s.shadow()
  await s.shadow({ method: 'GET', mode: 'readonly' })
  assert.equal(s.live.totalCount, 1) // the harness's own
  await s.adapter.close()
  for (let n = -1; n !== 0; await sleep(5)) {
    ({ rows: [{ n }] } = await s.live.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow'"))
  }
  assert.equal((await s.shadow()).reason, 'unsupported:closing')
})

test('it is imported as a module of ECMAScript, too', async () => {
  const { createAdapter, knexClient } = await import('quack-shadow')
  assert.equal(typeof createAdapter, 'function')
  assert.equal(typeof knexClient, 'function')
})
