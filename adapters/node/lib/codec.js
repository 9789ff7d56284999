'use strict'

const { createHmac, timingSafeEqual } = require('node:crypto')

/** Where an adapter proves, by a GET, that it rolls back. */
const helloPath = '/.well-known/quack/hello'

/** How far a Quack-Shadow's time may be from our clock, in seconds. */
const window = 60

/** Reads and writes the Quack headers. */
class Codec {
  #secrets
  /**
   * @param {string[]} secrets the first signs, all are accepted
   * @param {() => number} now the clock, in ms
   */
  constructor (secrets, now = Date.now) {
    this.#secrets = secrets
    this.now = now
  }

  /** Lower-case hex of HMAC-SHA256 over the fields joined by newlines. */
  sign (...fields) { return hmac(this.#secrets[0], fields) }

  /** Whether sig signs fields under one of the secrets. */
  verify (sig, ...fields) {
    // Fields with a newline can be cut in more than one way: such a signature says nothing.
    if (fields.some((f) => f.includes('\n'))) return false
    const got = Buffer.from(sig)
    return this.#secrets.map((secret) => Buffer.from(hmac(secret, fields)))
      .filter((want) => want.length === got.length && timingSafeEqual(want, got)).length > 0
  }

  /**
   * Reads a Quack-Shadow and holds its time to the window. It does not vouch
   * for it: verifyShadow does, once the body is known.
   * @param {string[]} values of the header field
   */
  readShadow (values) {
    const f = parse('Quack-Shadow', one('Quack-Shadow', values), ['id', 'mode', 't', 'budget', 'target', 'sig'], ['gid'])
    if (!validID(f.id)) throw new Error("read Quack-Shadow: the id has other characters than letters, digits and -._~")
    if (!['rollback', 'readonly', 'hello', 'prepare'].includes(f.mode)) throw new Error(`read Quack-Shadow: mode ${short(f.mode)} is not known`)
    if ((f.mode === 'prepare') !== (f.gid !== undefined)) throw new Error('read Quack-Shadow: gid and mode=prepare belong together')
    if (f.gid !== undefined && !/^txshadow-[a-z0-9]{1,32}-[0-9]{1,19}$/.test(f.gid)) throw new Error(`read Quack-Shadow: gid ${short(f.gid)} is not one of ours`)
    const off = Math.floor(this.now() / 1000) - decimal('t', f.t, 12)
    if (Math.abs(off) > window) {
      throw new Error(`Quack-Shadow was made ${off} s ago, and the window is ${window} s\n  compare the clocks of Quack and this host`)
    }
    const target = Buffer.from(f.target, 'base64url')
    if (target.toString('base64url') !== f.target) throw new Error('read Quack-Shadow: target is not base64url without padding')
    return { ...f, budgetMs: decimal('budget', f.budget, 9), target: target.toString() }
  }

  /**
   * Verifies what readShadow has read against the request that carries it.
   * @param {string} bodyHash SHA-256 of the request's body, hex
   */
  verifyShadow (m, method, url, bodyHash) {
    const fields = ['quack-shadow-v1', m.id, m.mode, m.t, m.budget, method, m.target, bodyHash]
    if (m.gid !== undefined) fields.push(m.gid)
    if (!this.verify(m.sig, ...fields)) {
      throw new Error('the signature of Quack-Shadow does not verify\n' +
        '  check that QUACK_SHADOW_SECRET is the same here and in Quack, and that nothing between them changes the method or the body')
    }
    if (!sameTarget(m.target, url)) {
      throw new Error('Quack-Shadow was signed for another path or query\n  put the adapter outside of whatever rewrites paths')
    }
  }

  /** The value of Quack-Shadow-Result. */
  result (id, outcome, reason = '') {
    return `v1;id=${id};outcome=${outcome};reason=${reason};sig=${this.sign('quack-result-v1', id, outcome, reason)}`
  }

  /** What Quack-Context says, null when there is none that verifies. It has no time window. */
  readContext (values, id) {
    try {
      const f = parse('Quack-Context', one('Quack-Context', values), ['role', 'time', 'readonly', 'sig'])
      const ok = validID(id) && this.verify(f.sig, 'quack-context-v1', id, f.role, f.time, f.readonly) &&
        ['live', 'shadow'].includes(f.role) && ['0', '1'].includes(f.readonly) && !Number.isNaN(Date.parse(f.time))
      return ok ? { id, role: f.role, at: new Date(f.time), readOnly: f.readonly === '1' } : null
    } catch {
      return null
    }
  }
}

const hmac = (secret, fields) => createHmac('sha256', secret).update(fields.join('\n')).digest('hex')

/** Reads "v1;a=…;b=…": each of names exactly once, of optional at most once, and no other. */
function parse (header, value, names, optional = []) {
  const [version, ...fields] = value.split(';')
  if (version !== 'v1') throw new Error(`read ${header}: version ${short(version)} is not v1`)
  const f = {}
  for (const field of fields) {
    const at = field.indexOf('=')
    const name = field.slice(0, Math.max(at, 0))
    if (![...names, ...optional].includes(name)) throw new Error(`read ${header}: field ${short(field)} is not known`)
    if (name in f) throw new Error(`read ${header}: field ${name} stands twice`)
    f[name] = field.slice(at + 1)
  }
  for (const name of names) {
    if (!(name in f)) throw new Error(`read ${header}: field ${name} is missing`)
  }
  return f
}

/** The value of a header field that must stand exactly once. */
function one (header, values) {
  if (values.length !== 1) throw new Error(values.length === 0 ? `no ${header}` : `${header} stands ${values.length} times`)
  return values[0]
}

/** Digits only, so that what was signed has one spelling. */
function decimal (name, s, digits) {
  if (!/^[0-9]+$/.test(s) || s.length > digits) throw new Error(`read Quack-Shadow: ${name} ${short(s)} is not a number of 1 to ${digits} digits`)
  return Number(s)
}

/** Characters that mean nothing in any of the fields that ids travel in. */
const validID = (id) => typeof id === 'string' && /^[A-Za-z0-9._~-]{1,128}$/.test(id)

const short = (s) => JSON.stringify(s.slice(0, 40))

/** Compares decoded forms, because something between may write the same path in another way. */
function sameTarget (signed, got) {
  const [path, query] = cut(signed)
  const [gotPath, gotQuery] = cut(got)
  const a = unescaped(path)
  return a !== null && a === unescaped(gotPath) &&
    (query === gotQuery || (unescaped(query) ?? query) === (unescaped(gotQuery) ?? gotQuery))
}

function cut (target) {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

/** Percent-decoded, byte for byte; null when that can not be done. */
function unescaped (s) {
  if (/%(?![0-9a-fA-F]{2})/.test(s)) return null
  return Buffer.from(s).toString('latin1').replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
}

module.exports = { Codec, helloPath, validID, unescaped }
