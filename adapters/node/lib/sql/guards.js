'use strict'

// What protects live work from a shadow: time limits of its session, and
// statements whose locks live work would wait for.

/** The settings by which the server protects others from a shadow. */
const guards = new Set(['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])

const units = { '': 1, us: 0.001, ms: 1, s: 1000, min: 60000, h: 3600000, d: 86400000 }

/** What a SET makes of a guard in ms, from at on; 0 when that is not a plain number. */
function limitOf (p, at) {
  if (at + 2 !== p.length || !(p.is(at, '=') || p.word(at) === 'to')) return 0
  const t = p.tokens[at + 1]
  if (t.kind !== 'number' && t.kind !== 'string') return 0
  const [, digits, unit] = /^\s*(\d{1,9})\s*([a-z]*)\s*$/.exec(t.text) ?? []
  return digits !== undefined && unit in units ? Number(digits) * units[unit] : 0
}

/** What takes a lock on tables, or on what belongs to them, for which live work would wait. */
function blocks (p, verb) {
  if (['truncate', 'alter', 'drop', 'refresh', 'reassign'].includes(verb)) return 'unsupported:' + verb
  return verb === 'create' ? creates(p) : ''
}

/** Refuses to make what belongs to an existing table. What is temporary is the shadow's own. */
function creates (p) {
  const replaces = p.has('create', 'or', 'replace')
  let at = replaces ? 3 : 1
  while (['global', 'local', 'unique', 'constraint', 'unlogged'].includes(p.word(at))) at++
  const kind = p.word(at)
  switch (kind) {
    case 'index': case 'trigger': case 'rule': case 'policy': case 'statistics': case 'publication': case 'event':
      return 'unsupported:create-' + kind
    case 'table': case 'foreign':
      return p.hasAny('references', 'partition', 'inherits') ? 'unsupported:create-table' : ''
    case 'view': case 'recursive':
      return replaces ? 'unsupported:create-view' : ''
    case 'schema':
      return p.from(1).hasAny('create') ? 'unsupported:create-schema' : ''
  }
  return ''
}

module.exports = { guards, limitOf, blocks }
