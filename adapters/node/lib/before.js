'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')
const channels = require('node:diagnostics_channel')

// What stands outside of the middleware runs live, in a shadow's request too. It
// is noticed by a query in the async context of a request that has not passed
// the middleware. Node tells of each request's start since 18.8; before that,
// nothing is noticed.

const arrivals = new AsyncLocalStorage()
const arrive = () => arrivals.enterWith({ queried: '' })
const started = 'http.server.request.start'
let watching = 0 // adapters

/** Starts to notice; the function that it returns ends that. */
function watchArrivals () {
  if (watching++ === 0) channels.subscribe(started, arrive)
  return () => {
    if (--watching === 0) channels.unsubscribe(started, arrive)
  }
}

/** Keeps in mind that a query was sent before the middleware, if it was. wrote is asked whether it may have written. */
function queried (wrote) {
  const arrival = arrivals.getStore()
  if (arrival && arrival.queried !== 'write') arrival.queried = wrote() ? 'write' : 'read'
}

/** What the current request has sent before the middleware: 'read', 'write', or '' for nothing. */
const queriedBefore = () => arrivals.getStore()?.queried ?? ''

const advice = 'a query came before the middleware: in a shadow it is live\n  make the middleware the outermost: http.createServer(adapter.middleware(app))'

module.exports = { watchArrivals, queried, queriedBefore, advice }
