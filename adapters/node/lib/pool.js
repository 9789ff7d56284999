'use strict'

const { AsyncResource } = require('node:async_hooks')
const { ShadowClient, query } = require('./client')

// Stand-ins for pg's Pool and Client: in a shadow they lead to its session, and
// else to what they stand for. Everything but a few methods is the original's.

/** Stands for SQL that is not known yet. */
const mayWrite = 'BEGIN'

/** @param {Adapter} adapter @param {Pool} pool of pg */
function wrapPool (adapter, pool) {
  return overlay(pool, {
    query (...args) {
      const shadow = adapter.shadow()
      if (shadow) return query(shadow, null, args)
      adapter.foreign(args[0])
      return pool.query(...bound(args))
    },
    connect (callback) {
      const shadow = adapter.shadow()
      if (!shadow) {
        adapter.foreign(mayWrite)
        return pool.connect(...bound(callback ? [callback] : []))
      }
      const client = new ShadowClient(shadow)
      if (!callback) return live(shadow).then(() => client)
      live(shadow).then(() => process.nextTick(callback, undefined, client, () => client.release()), (err) => process.nextTick(callback, err, undefined, () => {}))
    }
  })
}

/** @param {Adapter} adapter @param {Client} client of pg, connected or not */
function wrapClient (adapter, client) {
  const inShadow = () => {
    const shadow = adapter.shadow()
    return shadow ? shadow.clientFor(client, () => new ShadowClient(shadow)) : null
  }
  return overlay(client, {
    query (...args) {
      const stand = inShadow()
      if (stand) return stand.query(...args)
      adapter.foreign(args[0])
      return client.query(...bound(args))
    },
    connect (...args) { return (inShadow() ?? client).connect(...args) },
    end (...args) { return (inShadow() ?? client).end(...args) }
  })
}

/** An error when shadow is over already. */
const live = async (shadow) => shadow.alive()

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
