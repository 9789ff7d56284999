'use strict'

const { Lexer, UnterminatedError } = require('./lexer')
const { Phrase } = require('./phrase')
const { control } = require('./refuse')
const { beyondReach, protectedText, leaks } = require('./reach')
const { blocks } = require('./guards')
const { mayWrite } = require('./writes')
const { transactionOf } = require('./transaction')

/** The first keywords that may be sent. What is not here is refused. */
const known = new Set(`select insert update delete merge with values table copy create alter drop truncate
  comment grant revoke set reset show explain analyze call do declare fetch move close prepare execute deallocate
  lock notify unlisten refresh reindex cluster security import reassign savepoint release rollback`.split(/\s+/))

/**
 * One statement of the application's SQL, and what a shadow has to know of it
 * before it is sent.
 * @typedef {object} Statement
 * @property {number} start, end  where it stands in the SQL
 * @property {string} verb        first keyword, '' when there is none
 * @property {string} table       what INSERT INTO, UPDATE and DELETE FROM name, as written
 * @property {string} refusal     why it is not sent: `escape:VERB`, `unsupported:WHAT`; '' when it may be
 * @property {string} blocks      why a shadow that may write does not send it; a READ ONLY transaction
 *                                refuses it by itself
 * @property {?object} transaction what it asks of a transaction when it is a plain BEGIN, COMMIT or ROLLBACK
 * @property {?object} guard      {name, to}: a time limit that it sets, to so many ms (0: not told)
 * @property {string} savepoint   name of SAVEPOINT, RELEASE, ROLLBACK TO
 * @property {boolean} allImmediate SET CONSTRAINTS ALL IMMEDIATE, which would fire the fuse
 * @property {boolean} writable   SET TRANSACTION READ WRITE and its like
 * @property {boolean} setsConfig calls set_config, whose arguments may name a setting
 * @property {string} executes    name of a prepared statement, of EXECUTE
 * @property {boolean} writes     may change rows, as far as the text shows
 * @property {string} leak        what outlives the application's COMMIT here and would not otherwise
 */

/**
 * Cuts SQL into its statements; empty ones are left out. What has no end, or
 * begins with no keyword that is known, is refused.
 * @param {string} sql
 * @param {boolean} backslash as Lexer has it
 * @returns {Statement[]}
 */
function split (sql, backslash = false) {
  const lexer = new Lexer(sql, backslash)
  const all = []
  let tokens = []
  try {
    for (;;) {
      const t = lexer.next()
      if (t !== null && t.kind !== 'semicolon') {
        tokens.push(t)
        continue
      }
      if (tokens.length > 0) {
        const s = classify(tokens)
        all.push(s)
        // Its body has semicolons and an END of its own.
        if (new Phrase(tokens).has('begin', 'atomic')) {
          s.refusal = 'unsupported:begin-atomic'
          return all
        }
        tokens = []
      }
      if (t === null) return all
    }
  } catch (err) {
    if (!(err instanceof UnterminatedError)) throw err
    all.push({ ...blank, start: err.start, end: sql.length, verb: '?', refusal: 'unsupported:syntax' })
    return all
  }
}

const blank = {
  table: '', refusal: '', blocks: '', transaction: null, guard: null, savepoint: '', allImmediate: false,
  writable: false, setsConfig: false, executes: '', writes: false, leak: ''
}

function classify (tokens) {
  const s = { ...blank, start: tokens[0].start, end: tokens[tokens.length - 1].end }
  let p = new Phrase(tokens)
  while (p.length > 1 && p.is(0, '(')) p = p.from(1)
  s.verb = p.word(0)
  s.table = p.target(s.verb)
  s.transaction = transactionOf(p)
  s.refusal = control(p, s)
  if (s.refusal === '' && !known.has(s.verb)) s.refusal = 'unsupported:statement'
  if (s.refusal === '') s.refusal = beyondReach(p)
  s.blocks = blocks(p, s.verb)
  s.writes = mayWrite(p, s.verb)
  s.leak = leaks(p, s.verb)
  s.setsConfig = p.calls().some((f) => f.toLowerCase() === 'set_config')
  if (s.verb === 'execute') s.executes = p.name(1)
  return s
}

module.exports = { split, protectedText }
