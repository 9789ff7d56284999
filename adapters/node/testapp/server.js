'use strict'

// The app of the conformance suite: plain node:http, Knex in the way that an
// application uses it, and pg for SQL as text.

const http = require('node:http')
const { Pool, types } = require('pg')
const Knex = require('knex')
const { createAdapter, knexClient } = require('../lib')
const routes = require('./routes')

types.setTypeParser(20, Number) // counts

const connectionString = process.env.DATABASE_URL
const adapter = createAdapter({
  secret: process.env.QUACK_SHADOW_SECRET,
  pool: new Pool({ connectionString, max: 5 }),
  wallCapMs: Number(process.env.WALL_CAP_MS) || undefined
})
const { pool } = adapter
pool.on('error', () => {}) // a test ends the database's sessions
const knex = Knex({ client: knexClient(adapter, Knex), connection: connectionString, pool: { min: 0, max: 5 } })

/** Answers with what a route returns, [status, body], or with a generator's chunks. */
async function serve (req, res) {
  const { pathname } = new URL(req.url, 'http://app')
  const [status, body] = await answer(req, decodeURIComponent(pathname))
  if (body?.[Symbol.asyncIterator]) {
    res.writeHead(status, { 'Content-Type': 'text/plain' })
    for await (const chunk of body) res.write(chunk)
    return res.end()
  }
  res.writeHead(status, { 'Content-Type': 'application/json' })
  res.end(JSON.stringify(body))
}

async function answer (req, path) {
  const item = /^\/items\/(\d+)$/.exec(path)
  const route = routes[`${req.method} ${item ? '/items/:id' : path}`]
  if (!route) return [404, { error: 'not found' }]
  try {
    return await route({ knex, pool }, await json(req), item?.[1])
  } catch (err) {
    return [500, { error: err.code ?? err.message }]
  }
}

async function json (req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : {}
}

const outermost = adapter.middleware(serve)

/** Queries before the adapter sees the request, as nothing may. */
async function queryBefore (req, res) {
  await pool.query('INSERT INTO notes VALUES (0)')
  outermost(req, res)
}

http.createServer(process.env.QUERY_BEFORE ? queryBefore : outermost).listen(process.env.PORT, '127.0.0.1')
