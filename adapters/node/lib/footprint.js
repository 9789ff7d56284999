'use strict'

/** The greatest length of a Quack-Footprint in bytes. */
const most = 4096

/**
 * Quack-Footprint: a dictionary of RFC 9651. `tables` says what was written per
 * table, `effects` what was recorded instead of done; what does not fit is cut,
 * and a member `truncated` says so.
 *
 *     tables=("public.accounts";ins=1 "public.audit";ins=2;del=1), effects=("mail:Welcome";n=1)
 *
 * @param {[string, number[]][]} tables as Ledger.footprint gives them
 * @param {Map<string, number>} effects how often each was recorded; they stand there by name
 */
function formatFootprint (tables, effects = new Map()) {
  const lists = [['tables', tables.map(([table, counts]) => sfString(table) + parameters(['ins', 'upd', 'del'], counts))]]
  if (effects.size > 0) lists.push(['effects', [...effects].sort(([a], [b]) => a < b ? -1 : 1).map(([what, n]) => sfString(what) + parameters(['n'], [n]))])
  let left = most - lists.reduce((n, [name]) => n + name.length + '=(), '.length, 'truncated'.length)
  let cut = false
  const members = lists.map(([name, items]) => {
    const kept = []
    for (const item of items) {
      if (item.length + 1 > left) {
        cut = true
        break
      }
      left -= item.length + 1
      kept.push(item)
    }
    return `${name}=(${kept.join(' ')})`
  })
  return members.concat(cut ? ['truncated'] : []).join(', ')
}

const parameters = (names, counts) => names.map((name, i) => counts[i] === 0 ? '' : `;${name}=${counts[i]}`).join('')

/** A string of RFC 9651; a display string when it is not ASCII. */
function sfString (s) {
  if (/^[\x20-\x7e]*$/.test(s)) return `"${s.replace(/[\\"]/g, '\\$&')}"`
  let out = '%"'
  for (const b of Buffer.from(s)) {
    const plain = b >= 0x20 && b < 0x7f && b !== 0x25 && b !== 0x22
    out += plain ? String.fromCharCode(b) : '%' + b.toString(16).padStart(2, '0')
  }
  return out + '"'
}

module.exports = { formatFootprint }
