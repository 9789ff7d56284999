'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const Knex = require('knex')
const { createAdapter, knexClient } = require('../lib')
const { serve, shadow, dsn } = require('./harness')

const options = { skip: dsn === undefined && 'QUACK_TEST_DSN is not set' }

test('an application with Knex alone gives no pool, and its settings hold in a shadow', options, async (t) => {
  const s = await serve(t, (req, res) => res.end())
  const adapter = createAdapter({ secret: s.secret, connection: dsn, wallCapMs: 20_000 })
  let created = 0
  const knex = Knex({
    client: knexClient(adapter, Knex),
    connection: dsn,
    searchPath: ['pg_catalog', 'public'],
    pool: { min: 0, max: 2, afterCreate: (raw, done) => raw.query("SET app.made = 'by hook'", (err) => done(err, ++created)) }
  })
  const server = http.createServer(adapter.middleware(async (req, res) => {
    const trx = await knex.transaction()
    await trx('notes').insert({ note: 'kept' })
    await trx.transaction((inner) => inner('notes').insert({ note: 'undone' }).then(() => { throw new Error('undone') })).catch(() => {})
    await trx.commit()
    const { rows } = await knex.raw("SELECT current_setting('search_path') AS path, current_setting('app.made') AS made")
    const slow = await knex.raw('SELECT pg_sleep(30)').timeout(100, { cancel: true }).catch((err) => err.name)
    res.end(JSON.stringify([rows, slow, await knex('notes').pluck('note')]))
  }))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await knex.destroy()
    await adapter.close()
  })
  const out = await shadow(`http://127.0.0.1:${server.address().port}`)
  assert.deepEqual(JSON.parse(out.body), [[{ path: 'pg_catalog, public', made: 'by hook' }], 'KnexTimeoutError', ['kept']])
  assert.deepEqual([out.outcome, out.reason, out.footprint], ['rolled-back', '', 'tables=("public.notes";ins=1)'])
  assert.equal(await s.count(), 0)
})
