'use strict'

const { AsyncResource } = require('node:async_hooks')
const { ShadowClient, query, settled } = require('./client')

// Stand-ins for pg's Pool and Client: in a shadow they lead to its session, and
// else to what they stand for. Everything but a few methods is the original's.

/** Stands for SQL that is not known yet. */
const mayWrite = 'BEGIN'
const harmless = 'SELECT 1'

/** @param {Adapter} adapter @param {Pool} pool of pg */
function wrapPool (adapter, pool) {
  return overlay(pool, {
    query (...args) {
      return admitted(adapter, args[0], args,
        (shadow) => query(shadow, null, args),
        () => pool.query(...bound(args)))
    },
    connect (callback) {
      return admitted(adapter, mayWrite, [callback], (shadow) => {
        const client = new ShadowClient(shadow)
        const ready = alive(shadow).then(() => client)
        return callback ? give(ready, callback) : ready
      }, () => pool.connect(...bound(callback ? [callback] : [])))
    }
  })
}

/** @param {Adapter} adapter @param {Client} client of pg, connected or not */
function wrapClient (adapter, client) {
  const stand = (shadow) => shadow.clientFor(client, () => new ShadowClient(shadow))
  const lead = (method, sql = '') => (...args) => admitted(adapter, sql || args[0], args,
    (shadow) => stand(shadow)[method](...args),
    () => client[method](...bound(args)))
  return overlay(client, { query: lead('query'), connect: lead('connect', harmless), end: lead('end', harmless) })
}

/** Does one thing in a shadow and another live; what refuses both goes to the callback, or rejects. */
function admitted (adapter, query, args, inShadow, live) {
  let shadow
  try {
    shadow = adapter.shadow()
    if (!shadow) adapter.foreign(query)
  } catch (err) {
    return settled(Promise.reject(err), args.find((a) => typeof a === 'function'))
  }
  return shadow ? inShadow(shadow) : live()
}

/** Rejects when shadow is over already. */
const alive = async (shadow) => shadow.alive()

/** Calls back as pg's pool does. */
function give (ready, callback) {
  ready.then((client) => process.nextTick(callback, undefined, client, () => client.release()),
    (err) => process.nextTick(callback, err, undefined, () => {}))
}

/** The original with these methods in place of its own. */
function overlay (original, methods) {
  return new Proxy(original, {
    get (target, name) {
      if (Object.hasOwn(methods, name)) return methods[name]
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' && !/^(constructor$|[A-Z])/.test(String(name)) ? value.bind(target) : value
    }
  })
}

/** Callbacks keep the async context that they were given in: pg calls them in that of its socket. */
const bound = (args) => args.map((a) => typeof a === 'function' ? AsyncResource.bind(a) : a)

module.exports = { wrapPool, wrapClient, mayWrite }
