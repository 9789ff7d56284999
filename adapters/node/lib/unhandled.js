'use strict'

const { ShadowError } = require('./errors')

// A shadow that is ended at its budget rejects promises that would have been
// kept in a live request. One that the application does not handle must not end
// the process, and with it the live requests that it serves.

let users = 0

/** Ignores unhandled rejections with our errors, until what it returns is called. */
function ignoreOurs () {
  // Asked for on the command line, another way of Node's is in force.
  if (/--unhandled-rejections/.test([...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' '))) return () => {}
  if (users++ === 0) process.on('unhandledRejection', judge)
  return () => {
    if (--users === 0) process.off('unhandledRejection', judge)
  }
}

function judge (reason) {
  if (reason instanceof ShadowError || process.listenerCount('unhandledRejection') > 1) return
  // What Node does when nobody listens.
  throw reason instanceof Error ? reason : new Error(`unhandled rejection: ${String(reason)}`, { cause: reason })
}

module.exports = { ignoreOurs }
