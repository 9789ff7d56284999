'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { serve, json, dsn } = require('./harness')

const options = { skip: dsn === undefined && 'QUACK_TEST_DSN is not set' }
const insert = "INSERT INTO notes (note) VALUES ('n' || nextval('notes_id_seq'))"

/** What a list of SQL is answered with on one client: command tags, or codes of errors, and the status. */
const answers = (...statements) => json(async (pool) => {
  const client = await pool.connect()
  const got = []
  client.on('notice', (n) => got.push('notice ' + n.code))
  for (const sql of statements) {
    const answer = await client.query(sql).then((r) => r.command, (err) => err.code)
    await new Promise((resolve) => setImmediate(resolve)) // for notices
    got.push(answer)
  }
  got.push(client.getTransactionStatus())
  client.release(true)
  return got
})

for (const [why, statements, footprint] of [
  ['a transaction', ['BEGIN', insert, 'COMMIT'], 1],
  ['one that is rolled back', ['BEGIN;', insert, 'ROLLBACK'], 0],
  ['one with options', ['BEGIN TRANSACTION READ WRITE', insert, 'END'], 1],
  ['one that says start', ['START TRANSACTION', insert, 'COMMIT'], 1],
  ['a read-only one', ['BEGIN READ ONLY', insert, 'COMMIT', insert], 1],
  ['COMMIT of one that has failed', ['BEGIN', insert, 'SELECT 1/0', 'SELECT 1', 'BEGIN', 'COMMIT', insert], 1],
  ['COMMIT without BEGIN', ['COMMIT', insert], 1],
  ['ROLLBACK without BEGIN', [insert, 'ROLLBACK', insert], 2],
  ['BEGIN in a transaction', ['BEGIN', 'BEGIN', insert, 'COMMIT'], 1],
  ['what is left open', [insert, 'BEGIN', insert], 1],
  ['a failed statement outside', [insert, 'SELECT 1/0', insert], 2],
  ['savepoints', ['BEGIN', 'SAVEPOINT a', insert, 'ROLLBACK TO a', insert, 'SAVEPOINT b', insert, 'RELEASE b', 'COMMIT'], 2],
  ['a savepoint after a failure', ['BEGIN', insert, 'SAVEPOINT a', insert, 'SELECT 1/0', 'ROLLBACK TO SAVEPOINT a', insert, 'COMMIT'], 2],
  ['savepoints of one name', ['BEGIN', 'SAVEPOINT a', insert, 'SAVEPOINT a', insert, 'ROLLBACK TO a', 'RELEASE a', 'ROLLBACK TO a', 'COMMIT', insert], 1]
]) {
  test(`${why} is answered as live, and leaves nothing`, options, async (t) => {
    const s = await serve(t, answers(...statements))
    const shadow = await s.shadow()
    assert.equal(await s.count(), 0)
    const live = await s.get()
    assert.deepEqual(JSON.parse(shadow.body), await live.json())
    assert.deepEqual([shadow.outcome, shadow.reason], ['rolled-back', ''])
    assert.equal(shadow.footprint, footprint === 0 ? 'tables=()' : `tables=("public.notes";ins=${footprint})`)
  })
}

for (const [why, reason, handle] of [
  ['two transactions at once', 'unsupported:concurrent-transactions', async (pool) => {
    const [a, b] = [await pool.connect(), await pool.connect()]
    await a.query('BEGIN')
    await a.query(insert)
    await b.query('BEGIN').catch(() => {})
  }],
  ['a write beside a transaction', 'unsupported:concurrent-writes', async (pool) => {
    const a = await pool.connect()
    await a.query('BEGIN')
    await pool.query(insert)
    await a.query('COMMIT')
  }],
  ['a statement beside a failed transaction', 'unsupported:concurrent-statements', async (pool) => {
    const a = await pool.connect()
    await a.query('BEGIN')
    await a.query('SELECT 1/0').catch(() => {})
    await pool.query('SELECT 1').catch(() => {})
  }],
  ['COMMIT on the pool', 'escape:commit', async (pool) => {
    await pool.query(insert)
    await pool.query('COMMIT').catch(() => {})
  }],
  ['another isolation level', 'unsupported:isolation', async (pool) => (await pool.connect()).query('BEGIN ISOLATION LEVEL SERIALIZABLE').catch(() => {})],
  ['more than sixty writes', 'unsupported:too-many-statements', async (pool) => {
    for (let i = 0; i < 61; i++) await pool.query(insert).catch(() => {})
  }],
  ['a cursor', 'unsupported:conn', async (pool) => {
    const cursor = { submit () {}, handleError (err) { this.err = err } }
    const client = await pool.connect()
    assert.equal(client.query(cursor), cursor)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(cursor.err.reason, 'unsupported:conn')
  }],
  ['SET LOCAL that outlives its transaction', 'unsupported:set-local', async (pool) => {
    const client = await pool.connect()
    for (const sql of ['BEGIN', "SET LOCAL app.tenant = '1'", 'COMMIT', insert]) await client.query(sql)
  }],
  ['a guarded setting among the values', 'unsupported:session_replication_role', async (pool) =>
    pool.query('SELECT set_config($1, $2, false)', ['session_replication_role', 'replica']).catch(() => {})],
  ['EXECUTE of what would be refused', 'unsupported:truncate', async (pool) => {
    const client = await pool.connect()
    await client.query({ name: 'mine', text: 'SELECT 1' })
    await client.query('EXECUTE mine')
    await client.query({ name: 'bad', text: 'TRUNCATE notes' }).catch(() => {})
    await client.query('EXECUTE bad').catch(() => {})
  }]
]) {
  test(`${why} is ${reason}`, options, async (t) => {
    const s = await serve(t, json(handle))
    const out = await s.shadow()
    assert.deepEqual([out.outcome, out.reason, await s.count()], ['rolled-back', reason, 0], out.body)
  })
}

test('named statements, values and row modes come as from the pool', options, async (t) => {
  const s = await serve(t, json(async (pool) => {
    const client = await pool.connect()
    const ask = { name: 'ask', text: 'SELECT $1::int AS n, $2::text AS t' }
    const all = []
    for (const values of [[1, 'a'], [2, null]]) all.push((await client.query({ ...ask, values })).rows)
    all.push((await client.query({ text: 'SELECT 1, 2', rowMode: 'array' })).rows)
    all.push((await client.query('SELECT 1 AS a; SELECT 2 AS b')).map((r) => r.rows))
    await new Promise((resolve, reject) => client.query('SELECT $1::int AS c', [3], (err, r) => err ? reject(err) : resolve(all.push(r.rows))))
    client.release()
    assert.throws(() => client.release(), /already been released/)
    return all
  }))
  const shadow = await s.shadow()
  assert.equal(shadow.body, await (await s.get()).text())
  assert.match(shadow.body, /"n":2/)
})

// With interception taken away, fuse, belt and watch remain: nothing persists, and it is noticed.
for (const escape of [['COMMIT'], ['COMMIT', insert], ['ROLLBACK', insert], ['/*c*/end', insert], ['SELECT 1; COMMIT'], ["PREPARE TRANSACTION 'escaped'"],
  ['ROLLBACK', 'BEGIN READ WRITE', insert, 'COMMIT'], ['ROLLBACK AND CHAIN', insert, 'COMMIT']]) {
  test(`without interception, ${escape.join(' then ')} is noticed`, options, async (t) => {
    for (const queryMode of ['simple', 'extended']) {
      const s = await serve(t, json(async (pool) => {
        const client = await pool.connect()
        for (const text of [insert, ...escape]) await client.query({ text, queryMode }).catch(() => {})
      }), {}, { noInterception: true })
      const out = await s.shadow()
      assert.equal(await s.count(), 0)
      const several = queryMode === 'extended' && escape[0].includes(';') // PostgreSQL itself refuses it
      if (!several) assert.match(out.reason, /^escape:/)
    }
  })
}

test('the fuse alone refuses a COMMIT, and the belt alone what comes after a ROLLBACK', options, async (t) => {
  for (const [escape, layers] of [['COMMIT', { noBelt: true }], ['ROLLBACK', { noFuse: true }]]) {
    const s = await serve(t, json(async (pool) => {
      const client = await pool.connect()
      for (const text of [insert, escape, ...(escape === 'ROLLBACK' ? [insert] : [])]) await client.query(text).catch(() => {})
    }), {}, { noInterception: true, noWatch: true, ...layers })
    await s.shadow()
    assert.equal(await s.count(), 0, escape)
  }
})
