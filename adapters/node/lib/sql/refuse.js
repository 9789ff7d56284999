'use strict'

const { guards, limitOf } = require('./guards')

/** The prefix of the savepoints and statements that a shadow makes. */
const ourPrefix = '_ts_'

/** Judges the statements that steer transactions and sessions; '' when nothing is against them. */
function control (p, s) {
  switch (s.verb) {
    case 'commit': case 'rollback':
      if (p.word(1) === 'prepared') return `escape:${s.verb}-prepared`
      if (s.verb === 'rollback' && rollbackTo(p) > 0) return savepoint(p, s, rollbackTo(p))
      return 'escape:' + s.verb
    case 'end': case 'abort': case 'begin':
      return 'escape:' + s.verb
    case 'start':
      return 'escape:start-transaction'
    case 'prepare':
      return p.word(1) === 'transaction' ? 'escape:prepare-transaction' : ''
    case 'savepoint':
      return savepoint(p, s, 1)
    case 'release':
      return savepoint(p, s, p.word(1) === 'savepoint' && p.length > 2 ? 2 : 1)
    case 'set':
      return set(p, s)
    case 'reset':
      if (limits(s, p.name(1), 0)) return ''
      return p.word(1) === 'all' ? 'unsupported:reset-all' : protectedSetting(p.name(1))
    case 'deallocate':
      return deallocate(p)
    case 'discard': case 'listen': case 'vacuum': case 'checkpoint': case 'load': case 'lock':
      return 'unsupported:' + s.verb
    case 'copy': case 'create': case 'drop': case 'alter': case 'reindex': case 'cluster':
      return utility(p, s.verb)
  }
  return ''
}

/** Where the name stands in ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] name, 0 for another ROLLBACK. */
function rollbackTo (p) {
  let at = ['work', 'transaction'].includes(p.word(1)) ? 2 : 1
  if (p.word(at) !== 'to') return 0
  if (p.word(at + 1) === 'savepoint' && at + 2 < p.length) at++
  return at + 1
}

function savepoint (p, s, at) {
  s.savepoint = p.name(at)
  if (s.savepoint === '') return 'unsupported:savepoint-name'
  return s.savepoint.startsWith(ourPrefix) ? 'escape:savepoint' : ''
}

/** Spares the statements that a shadow has prepared for itself. */
function deallocate (p) {
  const at = p.word(1) === 'prepare' && p.length > 2 ? 2 : 1
  return p.word(at) === 'all' || p.name(at).startsWith(ourPrefix) ? 'unsupported:deallocate' : ''
}

function set (p, s) {
  const at = ['local', 'session'].includes(p.word(1)) ? 2 : 1
  switch (p.word(at)) {
    case 'characteristics':
      return 'unsupported:session-characteristics'
    case 'authorization':
      return ''
    case 'transaction':
      s.writable = p.has('read', 'write')
      if (p.hasAny('isolation')) return 'unsupported:isolation'
      return p.hasAny('snapshot') ? 'unsupported:snapshot' : ''
    case 'constraints': {
      const immediate = p.word(p.length - 1) === 'immediate'
      s.allImmediate = p.word(at + 1) === 'all' && immediate
      return immediate && !s.allImmediate && p.names('fuse') ? 'unsupported:fuse' : ''
    }
    case 'names':
      return 'unsupported:client_encoding'
  }
  if (limits(s, p.name(at), limitOf(p, at + 1))) return ''
  s.writable = p.name(at) === 'transaction_read_only'
  return protectedSetting(p.name(at))
}

/** Keeps in mind that s sets a guard; false when name is none. */
function limits (s, name, to) {
  name = name.toLowerCase()
  if (!guards.has(name)) return false
  s.guard = { name, to }
  return true
}

/** Refuses what holds the layers up, and what an open transaction can not be given. */
function protectedSetting (name) {
  name = name.toLowerCase()
  switch (name) {
    case 'default_transaction_read_only': case 'session_replication_role': case 'client_encoding':
      return 'unsupported:' + name
    case 'transaction_isolation': case 'default_transaction_isolation':
      return 'unsupported:isolation'
    case '':
      return 'unsupported:setting-name'
  }
  return name.startsWith('txshadow') ? 'unsupported:txshadow' : '' // "txshadow.probe" lifts the fuse
}

/** Refuses what a transaction block refuses anyway, and what leaves the database. */
function utility (p, verb) {
  const kind = p.word(1)
  if (verb === 'copy') {
    if (p.hasAny('program')) return 'unsupported:copy-program'
    const toFile = p.tokens.some((t, i) => p.word(i) === 'to' && p.tokens[i + 1]?.kind === 'string')
    return toFile ? 'unsupported:copy-file' : ''
  }
  if ((verb === 'create' || verb === 'drop') && ['database', 'tablespace', 'subscription'].includes(kind)) {
    return `unsupported:${verb}-${kind}`
  }
  if (verb === 'alter' && kind === 'system') return 'unsupported:alter-system'
  if (p.hasAny('concurrently')) return 'unsupported:concurrently'
  // A READ ONLY transaction lets these through.
  return verb === 'reindex' || verb === 'cluster' ? 'unsupported:' + verb : ''
}

module.exports = { control, protectedSetting }
