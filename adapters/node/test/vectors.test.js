'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { parseSecrets } = require('../lib/secret')
const { Codec } = require('../lib/codec')
const { nested, nestedMark, withMark } = require('../lib/baggage')
const { formatFootprint } = require('../lib/footprint')

const vectors = JSON.parse(fs.readFileSync(path.join(__dirname, '../../../txshadow/testdata/vectors.json')))
const codec = (now = vectors.now, secrets = vectors.secrets) => new Codec(parseSecrets(secrets), () => now * 1000)

function verify (c, { header, method, target, body = '' }) {
  const marked = c.readShadow([header])
  c.verifyShadow(marked, method, target, createHash('sha256').update(body).digest('hex'))
  return marked
}

test('secrets', () => {
  for (const { list, secrets, error } of vectors.lists) {
    if (error) assert.throws(() => parseSecrets(list), /\n {2}/, list) // with a next step
    else assert.deepEqual(parseSecrets(list), secrets)
  }
})

test('context', () => {
  for (const v of vectors.context) {
    const got = codec().readContext([v.headers['Quack-Context']], v.id)
    assert.deepEqual([got.role, got.readOnly, got.at.getTime()], [v.role, v.readonly, Date.parse(v.time)])
    assert.equal(codec().readContext([v.headers['Quack-Context']], 'another'), null)
  }
})

test('shadow', () => {
  for (const v of vectors.shadow) {
    const m = verify(codec(), v)
    assert.deepEqual([m.id, m.mode, m.budgetMs, m.target], [v.id, v.mode, v.budget_ms, v.target])
    if (!v.note) assert.equal('quack.shadow=' + nestedMark(codec(), v.id), v.baggage)
  }
  for (const v of vectors.refused) {
    assert.throws(() => verify(codec(v.now), v), (err) => !err.message.includes(vectors.secret), v.why)
  }
  for (const v of vectors.same_target) {
    const c = codec()
    const hash = createHash('sha256').digest('hex')
    const sig = c.sign('quack-shadow-v1', 'id', 'readonly', String(vectors.now), '0', 'GET', v.signed, hash)
    const header = `v1;id=id;mode=readonly;t=${vectors.now};budget=0;target=${Buffer.from(v.signed).toString('base64url')};sig=${sig}`
    const check = () => verify(c, { header, method: 'GET', target: v.received })
    if (v.same) check()
    else assert.throws(check, /another path or query/, v.received)
  }
})

test('a name for mode=prepare is signed, and has one form', () => {
  const c = codec()
  const hash = createHash('sha256').digest('hex')
  const header = (mode, gid, signed = gid) => {
    const sig = c.sign(...['quack-shadow-v1', 'id', mode, String(vectors.now), '0', 'POST', '/', hash, signed].filter((f) => f !== undefined))
    return `v1;id=id;mode=${mode};t=${vectors.now};budget=0;target=Lw${gid === undefined ? '' : `;gid=${gid}`};sig=${sig}`
  }
  const check = (...args) => verify(c, { header: header(...args), method: 'POST', target: '/' })
  assert.equal(check('prepare', 'txshadow-a1-7').gid, 'txshadow-a1-7')
  for (const args of [['prepare'], ['rollback', 'txshadow-a1-7'], ['prepare', 'txshadow-a1-7', 'txshadow-a1-8'],
    ['prepare', 'mine'], ['prepare', 'txshadow-A-1'], ["prepare", "txshadow-a-1'"], ['prepare', 'txshadow-a-']]) {
    assert.throws(() => check(...args), undefined, args.join(' '))
  }
})

test('result', () => {
  for (const v of vectors.result) assert.equal(codec().result(v.id, v.outcome, v.reason), v.header)
})

test('nested', () => {
  for (const v of vectors.nested) assert.equal(nested(codec(), v.baggage) !== '', v.nested, v.baggage)
  assert.equal(withMark('a=1, quack.shadow=old, b=2;p', 'new.sig'), 'a=1,b=2;p,quack.shadow=new.sig')
})

test('footprint', () => {
  for (const v of vectors.footprint) {
    const tables = v.tables.map((t) => [/\.(?=[^"]*$)/.test(t.table) ? t.table : 'public.' + t.table, [t.ins ?? 0, t.upd ?? 0, t.del ?? 0]])
    assert.equal(formatFootprint(tables, new Map((v.effects ?? []).map((e) => [e.name, e.n]))), v.header)
  }
  const effects = new Map([['mail:OrderMailer.placed', 1], ['callback', 2]])
  assert.equal(formatFootprint([], effects), 'tables=(), effects=("callback";n=2 "mail:OrderMailer.placed";n=1)')
  const many = Array.from({ length: 500 }, (_, i) => [`public.table_${i}`, [1, 0, 0]])
  const cut = formatFootprint(many, effects)
  assert.ok(cut.length <= 4096 && cut.endsWith(', truncated') && cut.startsWith('tables=("public.table_0";ins=1 '), cut.slice(-80))
})
