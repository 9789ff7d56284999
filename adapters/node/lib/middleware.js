'use strict'

const { createHash } = require('node:crypto')
const scope = require('./scope')
const { helloPath, unescaped } = require('./codec')
const { nestedMark } = require('./baggage')
const { formatFootprint } = require('./footprint')
const { Peer, replayed, keptResponse } = require('./replay')
const { Shadow, rank, ranks } = require('./shadow')
const { start, finish } = require('./finish')
const { queriedBefore, advice } = require('./before')

const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']) // RFC 9110, 9.2.1

/** How long a handler that goes on after its shadow's end keeps its place, in ms. */
const placeMs = 10_000

/**
 * A handler for http.createServer that runs shadow requests so that they leave
 * nothing behind, and passes all others to handler. It has to be the outermost:
 * what is outside of it runs live.
 * @param {Adapter} adapter
 * @param {(req, res) => any} handler also an Express app, or Koa's app.callback()
 */
function middleware (adapter, handler) {
  return function quack (req, res) {
    if (!adapter.closing) adapter.orphans.start()
    const before = queriedBefore()
    if (unescaped(req.url.split('?')[0]) === helloPath) return helloed(adapter, req, res, before)
    if (values(req, 'quack-shadow').length > 0) return shadowed(adapter, req, res, before, handler)
    return ordinary(adapter, req, res, handler)
  }
}

/** Serves a request that is no shadow. */
function ordinary (adapter, req, res, handler) {
  if (scope.active()) return handler(req, res) // a handler that calls another
  const { headers } = req
  const marked = 'quack-request-id' in headers || 'quack-read-only' in headers || 'baggage' in headers
  const own = marked ? scope.scopeOf(adapter.codec, headers) : scope.unmarked
  if (own.mark !== '' && !safe.has(req.method)) { // the shadow that caused it would write for real
    adapter.log.warn(`refused a ${req.method} that a shadow request has caused (${own.id})`)
    return plain(res, 409, 'quack-shadow: a shadow request must not cause a live write')
  }
  return scope.run(own, () => handler(req, res))
}

/** Answers GET /.well-known/quack/hello: with a signed "ready" when a drill has shown that a shadow can not commit here. */
async function helloed (adapter, req, res, before) {
  if (values(req, 'quack-shadow').length === 0) return plain(res, 404, 'not found')
  try {
    const { marked } = await verified(adapter, req)
    if (marked.mode !== 'hello' || req.method !== 'GET') throw new Error(`${req.method} ${req.url} with mode ${marked.mode}`)
    const proof = before !== '' ? new Error(advice) : await adapter.proof.prove().catch((err) => err)
    if (proof instanceof Error) {
      adapter.log.error(`this service can not roll shadow writes back: ${proof.message}`)
      return plain(res, 503, `quack-shadow: not ready: ${proof.message}`)
    }
    res.writeHead(204, { 'Quack-Shadow-Result': adapter.codec.result(marked.id, 'ready', proof.prepare ? 'prepare' : '') })
    res.end()
  } catch (err) {
    forbid(adapter, req, res, err)
  }
}

/** Serves a request that says it is a shadow. */
async function shadowed (adapter, req, res, before, handler) {
  if (scope.active()) {
    scope.current().shadow.note('unsupported:two-adapters')
    return plain(res, 501, 'quack-shadow: a request can be the shadow of one adapter only')
  }
  const began = Date.now()
  let got
  try {
    got = await verified(adapter, req)
    if (got.marked.mode === 'hello') throw new Error(`mode=hello is answered at ${helloPath} only`)
    if (got.marked.mode === 'prepare' && !adapter.proof.prepares) throw new Error('mode=prepare was not offered by hello')
  } catch (err) {
    return forbid(adapter, req, res, err)
  }
  const { marked, body } = got
  if (before !== '') {
    adapter.log.error(`shadow ${marked.id} was not run: ${advice}`)
    return acknowledge(adapter, res, marked, { ...refused('unsupported:query-before'), rolledBack: before === 'read' })
  }
  if (body === null) return acknowledge(adapter, res, marked, refused('unsupported:body-size'))
  try {
    await run(adapter, req, res, marked, began, body, handler)
  } catch (err) { // a fault of our own: no acknowledgement is better than a wrong one
    adapter.log.error(`shadow ${marked.id}: ${err.stack}`)
    if (!res.headersSent) plain(res, 500, 'quack-shadow: the rollback could not be confirmed')
  }
}

const refused = (reason) => ({ rolledBack: true, reason, tables: null })

/** Runs a verified shadow and answers with its acknowledgement, after the server has confirmed the rollback. */
async function run (adapter, req, res, marked, began, body, handler) {
  const limitMs = adapter.limit(marked)
  const deadline = began + limitMs
  const place = await adapter.place(marked, deadline)
  if (place.reason) return acknowledge(adapter, res, marked, refused(place.reason))
  const shadow = new Shadow(adapter, marked, deadline)
  const reason = await start(shadow, limitMs)
  if (reason !== '') {
    place.free()
    return acknowledge(adapter, res, marked, refused(reason))
  }
  adapter.running.add(shadow)
  const handling = handle(adapter, req, shadow, body, handler)
  handling.over.then(() => {
    adapter.running.delete(shadow)
    place.free()
  })
  const answered = await first(handling.done, deadline, res)
  if (answered === null) shadow.note('budget')
  const ending = await finish(shadow)
  setTimeout(handling.giveUp, placeMs).unref()
  acknowledge(adapter, res, marked, ending, answered, shadow)
}

/** What the handler has answered, null when time is up or the client has gone first. */
async function first (done, deadline, res) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.max(deadline - Date.now(), 0), null)
    res.once('close', () => resolve(null))
  })
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Starts the handler. `done` resolves with its answer when that is complete and
 * the promise that the handler has returned is settled; `over` then, or when it
 * is given up.
 */
function handle (adapter, req, shadow, body, handler) {
  const peer = new Peer(req.socket)
  const copy = replayed(req, peer, body)
  const { res, kept, done } = keptResponse(copy, peer, adapter.maxBody)
  const own = { ...scope.scopeOf(adapter.codec, req.headers), shadow, mark: nestedMark(adapter.codec, shadow.id) }
  let failed = false
  const fail = (err) => {
    failed = true
    if (!shadow.over) adapter.log.error(`the handler of shadow ${shadow.id} failed: ${err?.stack ?? err}`)
    peer.destroy()
  }
  let returned
  try {
    returned = Promise.resolve(scope.run(own, () => handler(copy, res))).catch(fail)
  } catch (err) {
    returned = Promise.resolve(fail(err))
  }
  const all = Promise.all([done, returned]).then(([complete]) => ({ res, kept, complete: complete && !failed }))
  let giveUp
  const over = Promise.race([all, new Promise((resolve) => { giveUp = resolve })])
  return { done: all, over, giveUp }
}

/** Reads the request's Quack-Shadow, for which it vouches, and its body; null for one that is too long to keep. */
async function verified (adapter, req) {
  const marked = adapter.codec.readShadow(values(req, 'quack-shadow'))
  const hash = createHash('sha256')
  const chunks = []
  let size = 0
  for await (const chunk of req) {
    hash.update(chunk)
    size += chunk.length
    if (size <= adapter.maxBody) chunks.push(chunk)
  }
  adapter.codec.verifyShadow(marked, req.method, req.url, hash.digest('hex'))
  return { marked, body: size <= adapter.maxBody ? Buffer.concat(chunks) : null }
}

/** Refuses what can not be verified: never executed, and loud, because it is a wrong secret or somebody else. */
function forbid (adapter, req, res, err) {
  adapter.log.warn(`refused a shadow request: ${req.method} from ${req.socket.remoteAddress}: ${err.message}`)
  req.resume()
  plain(res, 403, `quack-shadow: refused: ${err.message}`)
}

/**
 * Answers marked. Without an acknowledgement when the rollback could not be
 * confirmed: with 503 when that is because there is no server to ask, so that Quack
 * takes it for unconfirmed; else, and for every escape, with a status that nothing
 * between here and Quack answers with for reasons of its own. Without an answer of
 * the application's when there is none.
 */
function acknowledge (adapter, res, marked, ending, answered = null, shadow = null) {
  let { rolledBack, reason, tables } = ending
  const away = ending.unreachable && rank(reason) < ranks.escape
  if (!rolledBack) return plain(res, away ? 503 : 500, `quack-shadow: the rollback could not be confirmed${reason && ` (${reason})`}`)
  const tooLong = answered?.complete && answered.kept.size > answered.kept.limit
  if (tooLong && reason === '') reason = 'unsupported:answer-size'
  const headers = { 'Quack-Shadow-Result': adapter.codec.result(marked.id, 'rolled-back', reason) }
  if (tables !== null) headers['Quack-Footprint'] = formatFootprint(tables, shadow?.effects)
  if (answered === null) return plain(res, 503, `quack-shadow: nothing to compare: ${reason}`, headers)
  if (!answered.complete) return plain(res, 500, 'Internal Server Error', headers)
  for (const name of answered.res.getRawHeaderNames()) res.setHeader(name, answered.res.getHeader(name))
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (tables === null) res.removeHeader('Quack-Footprint')
  if (tooLong) {
    res.removeHeader('Content-Length')
    res.setHeader('Repr-Digest', `sha-256=:${answered.kept.hash.digest('base64')}:`)
  }
  res.writeHead(answered.res.statusCode, answered.res.statusMessage)
  res.end(tooLong ? undefined : Buffer.concat(answered.kept.chunks))
}

function plain (res, status, text, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
  res.end(text + '\n')
}

/** The values of a header field, one for each time that it stands. */
function values (req, name) {
  const all = []
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i].toLowerCase() === name) all.push(req.rawHeaders[i + 1])
  }
  return all
}

module.exports = { middleware }
