'use strict'

const { guards } = require('./guards')
const { protectedSetting } = require('./refuse')

/**
 * Functions whose effects no ROLLBACK takes back, or that change what live work
 * gets while the shadow is open, and under what name they are refused.
 */
const outside = new Map([
  ...['setval', 'lo_export', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_reload_conf', 'pg_rotate_logfile',
    'pg_switch_wal', 'pg_create_restore_point', 'pg_promote', 'pg_logical_emit_message', 'pg_file_write',
    'pg_stat_reset'].map((f) => [f, f]),
  ...['lock', 'lock_shared', 'unlock', 'unlock_shared', 'unlock_all', 'xact_lock', 'xact_lock_shared']
    .map((f) => ['pg_advisory_' + f, 'advisory-lock']),
  ...['lock', 'lock_shared', 'xact_lock', 'xact_lock_shared'].map((f) => ['pg_try_advisory_' + f, 'advisory-lock']),
  ...['pg_create_logical_replication_slot', 'pg_create_physical_replication_slot', 'pg_drop_replication_slot',
    'pg_replication_slot_advance', 'pg_logical_slot_get_changes', 'pg_logical_slot_get_binary_changes']
    .map((f) => [f, 'replication-slot']),
  ['pg_export_snapshot', 'snapshot']
])

/** Refuses calls that act outside the transaction, and whatever names our own schema. */
function beyondReach (p) {
  if (p.names('txshadow')) return 'unsupported:txshadow'
  if (p.tokens.some((t) => t.kind === 'unicode')) return 'unsupported:unicode-identifier'
  // An UPDATE of that view is a set_config.
  if (p.names('pg_settings') && p.hasAny('update', 'merge')) return 'unsupported:pg_settings'
  // Live workers would skip what the shadow has locked.
  if (p.has('skip', 'locked')) return 'unsupported:skip-locked'
  for (const call of p.calls()) {
    const f = call.toLowerCase()
    if (outside.has(f)) return 'unsupported:' + outside.get(f)
    if (f.startsWith('dblink')) return 'unsupported:dblink'
    if (f !== 'set_config') continue
    for (const t of p.tokens) {
      const against = t.kind === 'string' ? protectedText(t.text) : ''
      if (against !== '') return against
    }
  }
  return ''
}

/** Judges a text that may be the first argument of set_config. */
function protectedText (text) {
  if (text === '' || text.length > 63) return ''
  return guards.has(text.toLowerCase()) ? 'unsupported:setting' : protectedSetting(text)
}

/** Settings that change no answer, whoever they outlive. */
const bounds = new Set(['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
  'transaction_timeout', 'synchronous_commit', 'work_mem', 'application_name'])

/** What a statement leaves behind that COMMIT would have ended; '' when nothing. */
function leaks (p, verb) {
  if (verb === 'set' && p.word(1) === 'local' && !bounds.has(p.name(2))) return 'set-local'
  if (verb === 'set' && p.word(1) === 'constraints') return 'set-constraints'
  if (verb === 'declare' && !p.has('with', 'hold')) return 'cursor'
  if (verb === 'create' && (p.has('on', 'commit', 'drop') || p.has('on', 'commit', 'delete'))) return 'on-commit'
  return setsLocally(p) ? 'set-local' : ''
}

/** Whether set_config is called for the transaction, or does not show that it is for the session. */
function setsLocally (p) {
  for (let i = 0; i < p.length; i++) {
    if (p.name(i).toLowerCase() !== 'set_config' || !p.is(i + 1, '(')) continue
    let depth = 0
    for (let j = i + 1; j < p.length; j++) {
      if (p.is(j, '(')) depth++
      if (p.is(j, ')')) depth--
      if (depth > 0) continue
      if (p.word(j - 1) !== 'false' || !p.is(j - 2, ',')) return true
      break
    }
  }
  return false
}

module.exports = { beyondReach, protectedText, leaks }
