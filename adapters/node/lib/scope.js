'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')
const { nested, withMark } = require('./baggage')
const { validID } = require('./codec')

// What a request's async context knows of Quack. One storage serves all
// adapters of the process: a request is the shadow of one of them at most.
const storage = new AsyncLocalStorage()

/** That of a request that did not come by Quack. It says that there is a request. */
const unmarked = Object.freeze({ id: '', at: null, readOnly: false, mark: '', shadow: null, carried: {} })

const carriedNames = ['quack-request-id', 'quack-context', 'traceparent', 'tracestate']

/** Reads what the headers say of a request. */
function scopeOf (codec, headers) {
  const id = validID(headers['quack-request-id']) ? headers['quack-request-id'] : ''
  const context = 'quack-context' in headers ? codec.readContext([headers['quack-context']], id) : null
  return {
    id,
    at: context?.at ?? null,
    readOnly: context?.readOnly ?? headers['quack-read-only'] === '1',
    mark: nested(codec, headers.baggage),
    shadow: null,
    carried: Object.fromEntries(carriedNames.filter((n) => n in headers).map((n) => [n, headers[n]]))
  }
}

const run = (scope, fn) => storage.run(scope, fn)
/** Runs fn, and what it starts, with the context of no request. */
const outside = (fn) => storage.exit(fn)
/** The scope of the current async context, undefined outside of a request. */
const current = () => storage.getStore()

/** Whether this is a shadow request: its writes will be rolled back. */
const active = () => Boolean(current()?.shadow)

/** The instant of the request as Quack saw it, the same in the live call and its shadow; else the clock's. */
const now = () => current()?.at ?? new Date()

/** Whether the request passed through a closed gate, so that it should write nothing. */
const readOnly = () => current()?.readOnly ?? false

/** The request's Quack-Request-Id; '' when there is none. It proves nothing. */
const requestID = () => current()?.id ?? ''

/**
 * Records an effect instead of having it, in a shadow; false in a live request.
 *
 *     if (!record('mail', 'OrderMailer.placed')) await mailer.send(…)
 *
 * @param {string} kind mail, job, http, …
 * @param {string} [detail] what of its kind; no personal data: it is compared and stored
 */
function record (kind, detail = '') {
  const shadow = current()?.shadow
  if (!shadow) return false
  shadow.record(detail === '' ? kind : `${kind}:${detail}`)
  return true
}

/**
 * The headers for a call to a service of your own: those given, and with them
 * the request's id and, in a shadow, its signed baggage, by which Quack and
 * other adapters see that a write must not be made.
 */
function carry (headers = {}) {
  const scope = current()
  if (!scope) return headers
  const given = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]))
  const all = { ...scope.carried, ...given }
  if (scope.mark !== '') all.baggage = withMark(all.baggage, scope.mark)
  return all
}

module.exports = { scopeOf, unmarked, run, outside, current, active, now, readOnly, requestID, record, carry }
