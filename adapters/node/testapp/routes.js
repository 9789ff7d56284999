'use strict'

const { active, record, afterCommit, carry } = require('../lib')

const effects = { mail: 0, job: 0, callback: 0 }

const insertItem = async (db, name) => (await db('items').insert({ name }).returning(['id', 'name', 'qty']))[0]
const taken = (err) => err.code === '23505'

/** Each takes {knex, pool}, the body, and the id in the path; it returns [status, body]. */
module.exports = {
  'GET /up': async () => [200, {}],

  'GET /active': async () => [200, { active: active() }],

  'GET /items/:id': async ({ knex }, _, id) => {
    const item = await knex('items').where({ id }).first('id', 'name', 'qty')
    return item ? [200, item] : [404, { error: 'not found' }]
  },

  'GET /count': async ({ knex }) => {
    const tables = ['items', 'audits', 'children']
    const counts = await Promise.all(tables.map((t) => knex(t).count('* as n').first()))
    return [200, Object.fromEntries(tables.map((t, i) => [t, counts[i].n]))]
  },

  'POST /items': async ({ knex }, { name }) => {
    try {
      return [201, await insertItem(knex, name)]
    } catch (err) {
      if (taken(err)) return [409, { error: 'taken' }]
      throw err
    }
  },

  'POST /transfer': async ({ knex }, { from, to, qty }) => {
    try {
      await knex.transaction(async (trx) => {
        await trx('items').where({ name: to }).increment('qty', qty)
        await trx('items').where({ name: from }).decrement('qty', qty)
      })
      return [200, {}]
    } catch (err) {
      if (err.code === '23514') return [422, { error: 'too few' }]
      throw err
    }
  },

  'POST /nested': async ({ knex }, { outer, inner }) => {
    await knex.transaction(async (trx) => {
      await insertItem(trx, outer)
      await trx.transaction(async (nested) => {
        await insertItem(nested, inner)
        throw new Error('rolled back')
      }).catch(() => {})
    })
    return [201, { names: await knex('items').whereIn('name', [outer, inner]).orderBy('name').pluck('name') }]
  },

  'POST /two': async ({ knex }, { a, b }) => {
    try {
      await insertItem(knex, a)
      await insertItem(knex, b)
      return [201, {}]
    } catch (err) {
      if (!taken(err)) throw err
      return [409, { kept: await knex('items').where({ name: a }).first('id') !== undefined }]
    }
  },

  'POST /sql': async ({ pool }, { protocol, statements }) => {
    const client = await pool.connect()
    const errors = []
    try {
      for (const text of statements) {
        const query = protocol === 'extended' ? { text, queryMode: 'extended' } : { text }
        errors.push(await client.query(query).then(() => null, (err) => err.code ?? err.message))
      }
    } finally {
      client.release(true) // whatever the statements have done to it
    }
    return [200, { errors }]
  },

  'POST /deferred': async ({ knex }, { parent }) => {
    try {
      await knex.transaction((trx) => trx('children').insert({ parent_id: parent }))
      return [201, {}]
    } catch (err) {
      if (err.code === '23503') return [409, { error: err.code }]
      throw err
    }
  },

  'POST /effects': async ({ knex }, { name = 'effects' }) => {
    await knex.transaction(async (trx) => {
      await insertItem(trx, name)
      afterCommit(() => effects.callback++, trx)
      if (!record('mail', 'OrderMailer.placed')) effects.mail++
      if (!record('job', 'ChargeJob')) effects.job++
    })
    const url = process.env.EFFECT_URL
    if (url && !record('http', `POST ${new URL(url).host}`)) await fetch(url, { method: 'POST', headers: carry() })
    return [202, {}]
  },

  'GET /effects': async () => [200, effects],

  'POST /slow': async ({ knex }, { ms, name }) => {
    await insertItem(knex, name)
    await knex.raw('SELECT pg_sleep(?)', [ms / 1000])
    return [201, {}]
  },

  'GET /write': async ({ knex }) => [200, await insertItem(knex, 'written')],

  'POST /stream': async ({ knex }, { name = 'streamed' }) => {
    const { id } = await insertItem(knex, name)
    const chunks = async function * () {
      for (let i = 0; i < 5; i++) yield `chunk ${i} of ${name}\n`
      yield `${await knex('items').where({ id }).pluck('name')}\n`
    }
    return [201, chunks()]
  },

  'POST /durable': async ({ knex }, { name }) => {
    await knex.transaction((trx) => insertItem(trx, name))
    return [201, {}]
  },

  'POST /beside': async ({ pool }, { name }) => {
    const [one, other] = [await pool.connect(), await pool.connect()]
    try {
      await one.query('INSERT INTO items (name) VALUES ($1)', [name])
      const { rows } = await other.query('SELECT FROM items WHERE name = $1', [name])
      return [201, { seen: rows.length > 0 }]
    } finally {
      one.release()
      other.release()
    }
  },

  'POST /apart': async ({ knex }, { a, b }) => {
    await knex.transaction(async (one) => {
      await insertItem(one, a)
      await knex.transaction((other) => insertItem(other, b))
    })
    return [201, {}]
  },

  'POST /isolation': async ({ knex }, { level, name = 'isolated' }) => {
    await knex.transaction((trx) => insertItem(trx, name), { isolationLevel: level })
    return [201, {}]
  }
}
