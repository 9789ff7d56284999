'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { Client } = require('pg')
const { split } = require('../lib/sql/statement')
const { dsn } = require('./harness')

/** What SQL is made of that could mislead a lexer. */
const pieces = ['select 1', "select 'a'", 'select 1 as x', ';', ';', ' ', '\n', '\t', "'", "''", '"', '--', '/*', '*/', '$$', '$a$', '$1', '$', "E'", "e'",
  "U&'", 'U&"', "B'", "x'", "N'", '\\', "\\'", '1', '1e', '1.', 'a', '_', 'é', '(', ')', ',', ' as ', '+', '-', '*', '/', 'commit', 'rollback', 'end;',
  'begin', ' commit ', '; commit', ';rollback;', "'; commit; select '", 'savepoint s', 'and chain']

/** Numbers that are the same in each run (mulberry32). */
function random (seed) {
  return (n) => {
    seed = (seed + 0x6D2B79F5) | 0
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) % n
  }
}

for (const conforming of ['on', 'off']) {
  test(`SQL is cut as the server cuts it, standard_conforming_strings ${conforming}`, { skip: dsn === undefined && 'QUACK_TEST_DSN is not set' }, async (t) => {
    const client = new Client({ connectionString: dsn })
    t.after(() => client.end())
    let status
    client.connection.on('readyForQuery', (m) => { status = m.status })
    await client.connect()
    await client.query(`SET standard_conforming_strings = ${conforming}; SET backslash_quote = on`)
    const pick = random(conforming.length)
    let accepted = 0
    for (let i = 0; i < 1500; i++) {
      const sql = (pick(2) === 0 ? 'select 1 ' : '') + Array.from({ length: 1 + pick(12) }, () => pieces[pick(pieces.length)]).join('')
      await client.query('BEGIN')
      const results = await client.query(sql).then((r) => [r].flat(), () => null)
      await client.query('') // the error came before ReadyForQuery
      const stmts = split(sql, conforming === 'off')
      if (status === 'I') assert.ok(stmts.some((s) => s.refusal !== ''), `${JSON.stringify(sql)} ended the transaction, and nothing is refused`)
      await client.query('ROLLBACK')
      if (results === null || stmts.length === 0) continue
      assert.equal(results.length, stmts.length, JSON.stringify(sql))
      accepted++
    }
    assert.ok(accepted > 20, `the server accepted only ${accepted}`)
  })
}
