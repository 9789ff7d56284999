'use strict'

/** The tokens of one statement, and questions about them. */
class Phrase {
  constructor (tokens) { this.tokens = tokens }

  get length () { return this.tokens.length }

  /** The keyword or unquoted name at i, '' when there is none. */
  word (i) {
    const t = this.tokens[i]
    return t && t.kind === 'word' ? t.text : ''
  }

  /** The name at i, quoted or not. */
  name (i) {
    const t = this.tokens[i]
    return t && (t.kind === 'word' || t.kind === 'quoted') ? t.text : ''
  }

  is (i, char) {
    const t = this.tokens[i]
    return t !== undefined && t.kind === 'other' && t.text === char
  }

  /** Whether the words stand in the statement, one after the other. */
  has (...words) {
    return this.tokens.some((_, i) => words.every((w, j) => this.word(i + j) === w))
  }

  hasAny (...words) {
    return this.tokens.some((t) => t.kind === 'word' && words.includes(t.text))
  }

  /** Whether an identifier of the statement is name. */
  names (name) { return this.tokens.some((_, i) => this.name(i) === name) }

  /** The names that stand before an opening parenthesis. */
  calls () {
    const names = []
    for (let i = 0; i < this.length; i++) {
      if (this.name(i) !== '' && this.is(i + 1, '(')) names.push(this.name(i))
    }
    return names
  }

  /** The table that a writing statement names first. */
  target (verb) {
    let at = { insert: 2, update: 1, delete: 2, merge: 2, copy: 1, truncate: 1 }[verb]
    if (at === undefined) return ''
    while (this.word(at) === 'only' || this.word(at) === 'table') at++
    const name = this.name(at)
    return this.is(at + 1, '.') && this.name(at + 2) !== '' ? name + '.' + this.name(at + 2) : name
  }

  from (i) { return new Phrase(this.tokens.slice(i)) }
}

module.exports = { Phrase }
