'use strict'

/** What a shadow answers the application with. None of them can come of a live request but ForeignError. */
class ShadowError extends Error {
  get name () { return this.constructor.name }
}

const remedies = {
  'concurrent-transactions': 'a second transaction was begun while one is open; a shadow has one session, so they can not be apart',
  isolation: 'a shadow can not change the isolation level of its transaction',
  'too-many-statements': 'more writing statements outside a transaction than a shadow may have; each needs a subtransaction',
  statement: 'a statement was not recognised, and what is not recognised is not sent',
  syntax: 'a statement has a quote or comment without end',
  conn: 'cursors, streams and COPY hold the session open; a shadow sends plain queries only'
}

/** A shadow was asked for something that it does not send to the database. */
class RefusedError extends ShadowError {
  /** @param {string} reason as in the acknowledgement: "escape:commit", "unsupported:vacuum" */
  constructor (reason) {
    const what = reason.slice(reason.indexOf(':') + 1)
    super(reason.startsWith('escape:')
      ? `quack-shadow: ${what.toUpperCase().replaceAll('-', ' ')} is not sent inside a shadow request like this (${reason})\n` +
        '  use plain BEGIN, COMMIT and ROLLBACK, each a statement of its own, on a client of pool.connect(): they work in a shadow'
      : `quack-shadow: ${remedies[what] ?? what.replaceAll('-', ' ') + ' is not available inside a shadow request'} (${reason})\n` +
        '  the request can not be compared; see the limits in docs/node.md')
    this.reason = reason
    this.code = 'QUACK_REFUSED'
  }
}

/** Everything that uses a shadow's context after the shadow's end: it is never sent. */
class OverError extends ShadowError {
  constructor () {
    super('quack-shadow: the shadow request is over, its transaction rolled back\n' +
      '  work that goes on after an answer should not be started by a shadow: see active()')
    this.code = 'QUACK_OVER'
  }
}

/** With `strict`: what may write has the context of no request, while a shadow runs. */
class ForeignError extends ShadowError {
  constructor () {
    super('quack-shadow: a statement that may write has the context of no request, while a shadow request runs: it would be live\n' +
      '  bind callbacks with AsyncResource.bind; work that belongs to no request should use a pool of its own')
    this.code = 'QUACK_FOREIGN'
  }
}

/** The session of a shadow has gone away. */
class LostError extends ShadowError {
  constructor (cause) {
    super("quack-shadow: the shadow's session is gone: " + (cause?.message ?? 'the connection is closed'), { cause })
    this.code = 'QUACK_LOST'
  }
}

/**
 * There is no server to ask what became of a shadow, or it is not the one that
 * had its session: perhaps it has restarted. Met by nobody but us.
 */
class UnreachableError extends Error {}

module.exports = { ShadowError, RefusedError, OverError, ForeignError, LostError, UnreachableError }
