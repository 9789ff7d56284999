'use strict'

const http = require('node:http')
const { createHash } = require('node:crypto')
const { Duplex } = require('node:stream')

// A request whose body has been read already, and an answer that is kept:
// what the handler of a shadow gets in place of the real ones.

const properties = ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort', 'localFamily',
  'encrypted', 'authorized', 'authorizationError', 'alpnProtocol', 'servername']

/** Stands for the client's socket: it says who the client is, and what is written to it goes nowhere. */
class Peer extends Duplex {
  constructor (socket) {
    super()
    for (const p of properties) if (socket[p] !== undefined) this[p] = socket[p]
    if (socket.getPeerCertificate) this.getPeerCertificate = socket.getPeerCertificate.bind(socket)
    this.on('error', () => {})
  }

  _read () {}
  _write (chunk, encoding, callback) { callback() }
  setTimeout () { return this }
  setKeepAlive () { return this }
  setNoDelay () { return this }
  ref () { return this }
  unref () { return this }
}

/** @param {http.IncomingMessage} req @param {Peer} peer @param {Buffer} body */
function replayed (req, peer, body) {
  const copy = new http.IncomingMessage(peer)
  for (const name of ['httpVersion', 'httpVersionMajor', 'httpVersionMinor', 'method', 'url', 'rawHeaders', 'rawTrailers']) {
    copy[name] = req[name]
  }
  copy.headers = { ...req.headers }
  copy.trailers = { ...req.trailers }
  if (body.length > 0) copy.push(body)
  copy.push(null)
  copy.complete = true
  return copy
}

/**
 * A response that keeps what is written to it, up to limit bytes. Its methods
 * are its own properties: frameworks change a response's prototype.
 *
 * `kept` is what was written, and the SHA-256 of all of it; `done` resolves
 * with whether the answer is complete.
 */
function keptResponse (req, peer, limit) {
  const res = new http.ServerResponse(req)
  const kept = { chunks: [], size: 0, limit, hash: createHash('sha256') }
  const { write, end, writeHead } = http.ServerResponse.prototype
  const keep = (chunk, encoding) => {
    if (chunk === null || chunk === undefined || typeof chunk === 'function' || res.writableEnded) return
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : Buffer.from(chunk)
    kept.size += bytes.length
    kept.hash.update(bytes)
    if (kept.size <= limit) kept.chunks.push(bytes)
  }
  res.write = (...args) => {
    keep(...args)
    return write.apply(res, args)
  }
  res.end = (...args) => {
    keep(...args)
    return end.apply(res, args)
  }
  res.writeHead = (status, reason, headers) => {
    if (typeof reason !== 'string') [reason, headers] = [undefined, reason]
    setHeaders(res, headers)
    return writeHead.apply(res, reason === undefined ? [status] : [status, reason])
  }
  res.assignSocket(peer)
  const done = new Promise((resolve) => {
    res.once('finish', () => {
      resolve(true)
      peer.destroy() // the response then emits close, as a real one
    })
    res.once('close', () => resolve(false))
  })
  return { res, kept, done }
}

/** Puts the headers that writeHead was given where getHeader finds them. */
function setHeaders (res, headers) {
  if (!headers) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
    return
  }
  const pairs = Array.isArray(headers[0]) ? headers : headers.flatMap((h, i) => i % 2 === 0 ? [[h, headers[i + 1]]] : [])
  for (const [name] of pairs) res.removeHeader(name)
  for (const [name, value] of pairs) {
    const before = res.getHeader(name)
    res.setHeader(name, before === undefined ? value : [before, value].flat())
  }
}

module.exports = { Peer, replayed, keptResponse }
