'use strict'

// The signed mark of a shadow in the W3C baggage header, by which a write that
// a shadow has caused is refused everywhere.

const { validID, unescaped } = require('./codec')

const key = 'quack.shadow'

/** Our member's value for what shadow id calls. */
const nestedMark = (codec, id) => `${id}.${codec.sign('quack-nested-v1', id)}`

/** The mark as it stands in the baggage, '' when there is none that verifies. */
function nested (codec, baggage) {
  for (const member of members(baggage)) {
    const [name, value] = parse(member)
    const dot = value.lastIndexOf('.')
    if (name !== key || dot < 0) continue
    const id = value.slice(0, dot)
    if (validID(id) && codec.verify(value.slice(dot + 1), 'quack-nested-v1', id)) return value
  }
  return ''
}

/** A baggage header with our member replaced and the others left. */
function withMark (baggage, mark) {
  return [...members(baggage).filter((m) => parse(m)[0] !== key), `${key}=${mark}`].join(',')
}

const members = (baggage) => (baggage ?? '').split(',').map((m) => m.trim()).filter((m) => m !== '')

function parse (member) {
  const [pair] = member.split(';')
  const at = pair.indexOf('=')
  const value = at < 0 ? '' : pair.slice(at + 1).trim()
  return [(at < 0 ? pair : pair.slice(0, at)).trim(), unescaped(value) ?? value]
}

module.exports = { nestedMark, nested, withMark }
