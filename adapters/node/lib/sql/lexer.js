'use strict'

// Cuts SQL into tokens as PostgreSQL's scan.l does, in what matters for finding
// the ends of statements: quotes, escape strings, their continuation on a new
// line, dollar quotes, and comments that nest.
//
// A token is {kind, text, start, end}. Kinds: `word` is an unquoted identifier
// or keyword in lower case, `quoted` "an identifier" without its quotes,
// `unicode` U&"an identifier" whose name is not known, `string` a constant
// without its quotes and with its escapes left in, `param` $1, `number`,
// `other` one character of anything else, `semicolon` the end of a statement.

const space = (c) => c === 32 || (c >= 9 && c <= 13)
const digit = (c) => c >= 48 && c <= 57
const identStart = (c) => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c >= 128
const identPart = (c) => identStart(c) || digit(c) || c === 36

class UnterminatedError extends Error {
  constructor (start) {
    super('a quote or comment without end')
    this.start = start
  }
}

class Lexer {
  /**
   * @param {string} sql
   * @param {boolean} backslash standard_conforming_strings is off: a backslash
   *   escapes in ordinary strings as well
   */
  constructor (sql, backslash = false) {
    this.sql = sql
    this.backslash = backslash
    this.pos = 0
  }

  /** The next token, null at the end. Throws UnterminatedError. */
  next () {
    this.skipSpace()
    if (this.pos >= this.sql.length) return null
    this.start = this.pos
    const [kind, text] = this.scan(this.at(0))
    return { kind, text, start: this.start, end: this.pos }
  }

  /** The code n behind the position, NaN at the end. */
  at (n) { return this.sql.charCodeAt(this.pos + n) }

  scan (c) {
    const char = this.sql[this.pos]
    if (char === "'") return ['string', this.quoted(1, true, this.backslash)]
    if (char === '"') return ['quoted', this.identifier(1)]
    if (char === '$') return this.dollar()
    if (identStart(c)) return this.word()
    if (digit(c) || (char === '.' && digit(this.at(1)))) return ['number', this.number()]
    this.pos++
    return [char === ';' ? 'semicolon' : 'other', char]
  }

  skipSpace () {
    for (;;) {
      if (space(this.at(0))) this.pos++
      else if (this.sql.startsWith('--', this.pos)) this.pos = lineEnd(this.sql, this.pos)
      else if (this.sql.startsWith('/*', this.pos)) this.skipComment()
      else return
    }
  }

  skipComment () {
    const start = this.pos
    for (let depth = 0; this.pos < this.sql.length;) {
      if (this.sql.startsWith('/*', this.pos)) {
        depth++
        this.pos += 2
      } else if (this.sql.startsWith('*/', this.pos)) {
        this.pos += 2
        if (--depth === 0) return
      } else {
        this.pos++
      }
    }
    throw new UnterminatedError(start)
  }

  /** An identifier, or the string that its first letters announce. */
  word () {
    const head = this.sql.slice(this.pos, this.pos + 3).toLowerCase()
    if (head.startsWith("e'")) return ['string', this.quoted(2, true, true)]
    if (head.startsWith("b'") || head.startsWith("x'")) return ['string', this.quoted(2, false, false)]
    if (head === "u&'") return ['string', this.quoted(3, true, false)]
    if (head === 'u&"') return ['unicode', this.identifier(3)]
    const start = this.pos
    while (identPart(this.at(0))) this.pos++
    return ['word', lowerASCII(this.sql.slice(start, this.pos))]
  }

  /**
   * A string whose opening is skip characters long, with all its continuations:
   * a string that follows after a new line belongs to it, and is scanned by the
   * same rules.
   */
  quoted (skip, doubled, backslash) {
    this.pos += skip
    let text = ''
    for (let from = this.pos; this.pos < this.sql.length;) {
      const char = this.sql[this.pos]
      if (char === '\\' && backslash) {
        this.pos += 2
      } else if (char !== "'") {
        this.pos++
      } else if (doubled && this.sql[this.pos + 1] === "'") {
        this.pos += 2
      } else {
        text += this.sql.slice(from, this.pos++)
        from = this.continuation()
        if (from < 0) return text
        this.pos = from
      }
    }
    throw new UnterminatedError(this.start)
  }

  /** Where a string that has just been closed goes on, -1 when it does not. */
  continuation () {
    let newline = false
    for (let p = this.pos; p < this.sql.length;) {
      const c = this.sql.charCodeAt(p)
      if (c === 10 || c === 13) newline = true
      if (space(c)) p++
      else if (this.sql.startsWith('--', p)) p = lineEnd(this.sql, p)
      else return c === 39 && newline ? p + 1 : -1
    }
    return -1
  }

  /** A quoted identifier whose opening is skip characters long. */
  identifier (skip) {
    this.pos += skip
    for (const from = this.pos; this.pos < this.sql.length; this.pos++) {
      if (this.sql[this.pos] !== '"') continue
      if (this.sql[this.pos + 1] !== '"') {
        return this.sql.slice(from, this.pos++).replaceAll('""', '"')
      }
      this.pos++
    }
    throw new UnterminatedError(this.start)
  }

  /** $1, $tag$…$tag$, or a lonely dollar sign. */
  dollar () {
    const start = this.pos++
    if (digit(this.at(0))) {
      while (digit(this.at(0))) this.pos++
      return ['param', this.sql.slice(start, this.pos)]
    }
    let end = this.pos
    while (identStart(this.sql.charCodeAt(end)) || (end > this.pos && digit(this.sql.charCodeAt(end)))) end++
    if (this.sql[end] !== '$') return ['other', '$']
    const tag = this.sql.slice(start, end + 1)
    const close = this.sql.indexOf(tag, end + 1)
    if (close < 0) throw new UnterminatedError(start)
    this.pos = close + tag.length
    return ['string', this.sql.slice(end + 1, close)]
  }

  number () {
    const start = this.pos
    while (digit(this.at(0)) || this.sql[this.pos] === '.') this.pos++
    const exponent = /[eE][+-]?[0-9]+/y
    exponent.lastIndex = this.pos
    if (exponent.test(this.sql)) this.pos = exponent.lastIndex
    return this.sql.slice(start, this.pos)
  }
}

function lineEnd (sql, from) {
  for (let p = from; p < sql.length; p++) {
    if (sql[p] === '\n' || sql[p] === '\r') return p
  }
  return sql.length
}

/** Folds as PostgreSQL folds keywords. */
const lowerASCII = (s) => s.replace(/[A-Z]+/g, (w) => w.toLowerCase())

module.exports = { Lexer, UnterminatedError }
