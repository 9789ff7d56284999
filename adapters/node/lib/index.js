'use strict'

// quack-shadow runs shadow requests of Quack so that they leave nothing behind
// in PostgreSQL. Start at createAdapter; docs/node.md of Quack is the guide.

const { createAdapter } = require('./adapter')
const { afterCommit } = require('./commit')
const { knexClient } = require('./knex')
const { active, now, readOnly, requestID, record, carry } = require('./scope')
const { ShadowError, RefusedError, OverError, ForeignError, LostError } = require('./errors')

module.exports = {
  createAdapter,
  knexClient,
  active,
  record,
  afterCommit,
  carry,
  now,
  readOnly,
  requestID,
  ShadowError,
  RefusedError,
  OverError,
  ForeignError,
  LostError
}
