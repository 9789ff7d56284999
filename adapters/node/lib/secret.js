'use strict'

/** The least length of a secret in bytes: below it, guessing is cheaper than asking. */
const minSecret = 16

/**
 * Reads QUACK_SHADOW_SECRET: one secret, or several separated by commas, of
 * which the first signs and all are accepted. White space around a secret is
 * not part of it.
 * @returns {string[]}
 */
function parseSecrets (list) {
  if (typeof list !== 'string' || list.trim() === '') {
    throw new Error('no shadow secret was given\n' +
      '  set QUACK_SHADOW_SECRET to what `quack token shadow` prints, the same for Quack and its backends')
  }
  return list.split(',').map((s, i) => {
    s = s.trim()
    if (Buffer.byteLength(s) < minSecret) {
      throw new Error(`shadow secret ${i + 1} of the list has ${Buffer.byteLength(s)} bytes, and at least ${minSecret} are needed\n` +
        '  make one with: openssl rand -hex 32')
    }
    return s
  })
}

module.exports = { parseSecrets }
