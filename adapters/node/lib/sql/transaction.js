'use strict'

/**
 * What a statement asks of a transaction, when it is one of the plain forms in
 * which drivers say it; null for anything else, AND CHAIN among it.
 *
 * `{does: 'begin', isolation, readOnly, readWrite}` with isolation '' when not
 * said, `{does: 'commit'}`, `{does: 'rollback'}`.
 */
function transactionOf (p) {
  switch (p.word(0)) {
    case 'begin':
      return begin(p, ['work', 'transaction'].includes(p.word(1)) ? 2 : 1)
    case 'start':
      return p.word(1) === 'transaction' ? begin(p, 2) : null
    case 'commit': case 'end':
      return ends(p) ? { does: 'commit' } : null
    case 'rollback': case 'abort':
      return ends(p) ? { does: 'rollback' } : null
  }
  return null
}

/** Whether nothing stands behind COMMIT [WORK | TRANSACTION] but AND NO CHAIN. */
function ends (p) {
  const at = ['work', 'transaction'].includes(p.word(1)) ? 2 : 1
  return at === p.length || (at + 3 === p.length && p.has('and', 'no', 'chain'))
}

const modes = /^(?:isolation level (serializable|repeatable read|read committed|read uncommitted)|read (only|write)|(?:not )?deferrable)(?: |$)/

function begin (p, at) {
  let rest = ''
  for (let i = at; i < p.length; i++) {
    if (p.is(i, ',') && rest !== '' && i + 1 < p.length) continue
    if (p.word(i) === '') return null
    rest += p.word(i) + ' '
  }
  const t = { does: 'begin', isolation: '', readOnly: false, readWrite: false }
  while (rest !== '') {
    const m = modes.exec(rest)
    if (m === null) return null
    if (m[1] !== undefined) t.isolation = m[1]
    if (m[2] !== undefined) [t.readOnly, t.readWrite] = [m[2] === 'only', m[2] === 'write']
    rest = rest.slice(m[0].length)
  }
  return t
}

module.exports = { transactionOf }
