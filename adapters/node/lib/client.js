'use strict'

const { EventEmitter } = require('node:events')
const { send } = require('./statements')

/**
 * What the pool gives inside a shadow: it stands for the shadow's one session
 * and has the methods of pg's Client that applications use. Several of them
 * share the session, one statement at a time.
 */
class ShadowClient extends EventEmitter {
  #shadow
  #released = false
  constructor (shadow) {
    super()
    this.#shadow = shadow
    this.on('error', () => {})
  }

  get processID () { return this.#shadow.session?.client.processID }

  query (...args) { return query(this.#shadow, this, args) }

  release () {
    if (this.#released) throw new Error('Release called on client which has already been released to the pool.')
    this.#released = true
  }

  /** Cancels what the session does, which may be the query of another client of it. */
  cancel () { return this.#shadow.adapter.sessions.cancel(this.#shadow.session) }

  /** T in a transaction, E in one that has failed, I outside. */
  getTransactionStatus () {
    const { tx, session } = this.#shadow
    if (tx?.client !== this) return 'I'
    return session.status === 'E' ? 'E' : 'T'
  }

  connect (callback) { return settled(Promise.resolve(this), callback) }
  end (callback) { return settled(Promise.resolve(), callback) }
  ref () {}
  unref () {}
  escapeIdentifier (s) { return require('pg').escapeIdentifier(s) }
  escapeLiteral (s) { return require('pg').escapeLiteral(s) }
  getTypeParser (...args) { return this.#shadow.session.client.getTypeParser(...args) }
  setTypeParser (...args) { return this.#shadow.session.client.setTypeParser(...args) }
}

const fields = ['text', 'name', 'values', 'rowMode', 'types', 'queryMode', 'binary', 'rows', 'portal']

/**
 * Sends what pg's query(config, values, callback) was called with.
 * @param {?ShadowClient} client null for the pool's own query
 */
function query (shadow, client, [config, values, callback]) {
  if (config === null || config === undefined) throw new TypeError('Client was passed a null or undefined query')
  if (typeof values === 'function') [values, callback] = [undefined, values]
  if (typeof config.submit === 'function') return refuseSubmittable(shadow, config, callback ?? values)
  const given = typeof config === 'string' ? { text: config } : config
  const plain = {} // so that what is judged is what is sent
  for (const f of fields) {
    if (given[f] !== undefined) plain[f] = given[f]
  }
  if (values !== undefined) plain.values = values
  return settled(send(shadow, client, plain), callback ?? given.callback)
}

/** Cursors, streams and COPY hold the session open between their steps: the rest of the shadow could not use it. */
function refuseSubmittable (shadow, submittable, callback) {
  submittable.callback ??= callback
  let err
  try {
    shadow.alive()
    err = shadow.refuse('unsupported:conn')
  } catch (over) {
    err = over
  }
  process.nextTick(() => submittable.handleError(err, new EventEmitter()))
  return submittable
}

/** Hands a promise's outcome to callback, as pg does; the promise itself when there is none. */
function settled (promise, callback) {
  if (typeof callback !== 'function') return promise
  promise.then((v) => process.nextTick(callback, null, v), (err) => process.nextTick(callback, err))
}

module.exports = { ShadowClient, query, settled }
