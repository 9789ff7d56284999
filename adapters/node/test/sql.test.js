'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { split } = require('../lib/sql/statement')

const brief = (sql, backslash) => split(sql, backslash).map((s) => s.refusal === '' ? s.verb : '!' + s.refusal).join(' ')

test('statements are found as the server finds them', () => {
  for (const [why, sql, want, backslash] of [
    ['empty statements do not count', ' ; ;-- x\n/* ; */;', ''],
    ['a semicolon in quotes is no end', 'select \';commit\' ; select ";" from t', 'select select'],
    ['doubled quotes', 'select \'it\'\'s;commit\'; select "a"";""b"', 'select select'],
    ['a backslash is nothing in an ordinary string', "select '\\'; commit", 'select !escape:commit'],
    ['unless the server says so', "select '\\'; commit'", 'select', true],
    ['it escapes in E strings', "select E'\\'; commit'", 'select'],
    ['an E string goes on after a new line', "select E'a'\n'\\'; commit'", 'select'],
    ['but not after a space', "select E'a' '\\'; commit", 'select !escape:commit'],
    ['a comment may stand before the new line', "select E'a' -- x\n '\\'; commit'", 'select'],
    ['an identifier that ends in e is no E string', "select me'\\'; commit", 'select !escape:commit'],
    ['dollar quotes', 'select $$;commit$$, $a$;$$;$a$; commit', 'select !escape:commit'],
    ['a dollar in a name opens nothing', 'select a$b$; commit; select a$b$', 'select !escape:commit select'],
    ['a parameter opens nothing', 'select $1$$;commit$$', 'select'],
    ['comments nest', 'select 1 /* /* */ ; commit */ ; select 2', 'select select'],
    ['a comment before the verb', '/*c*/commit', '!escape:commit'],
    ['a quoted verb is no verb', '"commit"', '!unsupported:statement'],
    ['a string without end', "select 'x", '!unsupported:syntax'],
    ['a comment without end', 'select 1; commit /*', 'select !unsupported:syntax'],
    ['a body with an END of its own', 'create function f() returns int begin atomic select 1; end', '!unsupported:begin-atomic'],
    ['parentheses', '(select 1) union (select 2)', 'select'],
    ['a vertical tab is white space', 'select 1;\vcommit', 'select !escape:commit']
  ]) assert.equal(brief(sql, backslash), want, why)
})

test('what is refused', () => {
  const refused = {
    'escape:commit': ['COMMIT', 'COMMIT AND CHAIN', 'CoMmIt work'],
    'escape:end': ['END'],
    'escape:abort': ['ABORT'],
    'escape:rollback': ['ROLLBACK', 'ROLLBACK AND CHAIN'],
    'escape:begin': ['BEGIN'],
    'escape:start-transaction': ['START TRANSACTION'],
    'escape:prepare-transaction': ["PREPARE TRANSACTION 'x'"],
    'escape:commit-prepared': ["COMMIT PREPARED 'x'"],
    'escape:rollback-prepared': ["ROLLBACK PREPARED 'x'"],
    'escape:savepoint': ['SAVEPOINT _ts_1', 'RELEASE "_ts_1"', 'ROLLBACK TO _TS_1', 'ROLLBACK TRANSACTION TO SAVEPOINT _ts_1'],
    'unsupported:savepoint-name': ['SAVEPOINT U&"x"'],
    'unsupported:default_transaction_read_only': ['SET default_transaction_read_only = off', 'SET LOCAL "default_transaction_read_only" TO off'],
    'unsupported:session_replication_role': ['SET session_replication_role = replica', 'RESET session_replication_role',
      "SELECT set_config('session_replication_role', 'replica', false)"],
    'unsupported:reset-all': ['RESET ALL'],
    'unsupported:deallocate': ['DEALLOCATE ALL', 'DEALLOCATE PREPARE _ts_open'],
    'unsupported:discard': ['DISCARD ALL'],
    'unsupported:session-characteristics': ['SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE'],
    'unsupported:isolation': ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', "SET default_transaction_isolation = 'serializable'"],
    'unsupported:client_encoding': ["SET NAMES 'LATIN1'"],
    'unsupported:fuse': ['SET CONSTRAINTS fuse IMMEDIATE'],
    'unsupported:pg_settings': ["UPDATE pg_settings SET setting = 'off'", 'PREPARE x AS UPDATE ONLY (pg_catalog."pg_settings") SET setting = $1'],
    'unsupported:vacuum': ['VACUUM t'],
    'unsupported:concurrently': ['CREATE INDEX CONCURRENTLY i ON t (a)'],
    'unsupported:create-database': ['CREATE DATABASE x'],
    'unsupported:skip-locked': ['SELECT a FROM t FOR UPDATE SKIP LOCKED'],
    'unsupported:setting': ["SELECT set_config('Statement_Timeout', '0', true)"],
    'unsupported:alter-system': ['ALTER SYSTEM SET x = 1'],
    'unsupported:listen': ['LISTEN x'],
    'unsupported:copy-program': ["COPY t TO PROGRAM 'cat'"],
    'unsupported:copy-file': ["COPY t TO '/tmp/x'"],
    'unsupported:setval': ["SELECT setval('s', 1)", 'SELECT pg_catalog."setval"(\'s\', 1)'],
    'unsupported:advisory-lock': ['SELECT pg_advisory_lock(1)', 'SELECT pg_try_advisory_xact_lock_shared(1)'],
    'unsupported:dblink': ["SELECT dblink_exec('c', 'insert')"],
    'unsupported:txshadow': ['DELETE FROM txshadow.fuse', 'SET txshadow.probe = 1'],
    'unsupported:unicode-identifier': ["SELECT U&\"\\0073etval\"('s', 1)"],
    'unsupported:statement': ['frobnicate', '42'],
    '': ['SAVEPOINT mine', 'RELEASE SAVEPOINT mine', 'RELEASE mine', 'ROLLBACK TO mine', 'ROLLBACK WORK TO mine', 'ROLLBACK TO savepoint',
      'DEALLOCATE x', "SELECT set_config('app.tenant', '1', true)", 'SET statement_timeout = 5', "SET TIME ZONE 'UTC'",
      'SET CONSTRAINTS ALL DEFERRED', 'NOTIFY x', 'COPY t FROM STDIN', 'SELECT setval FROM t', 'WITH a AS (SELECT 1) SELECT * FROM a',
      'CALL p()', 'DO $$BEGIN COMMIT; END$$', 'SELECT a FROM t FOR UPDATE NOWAIT']
  }
  for (const [reason, all] of Object.entries(refused)) {
    for (const sql of all) assert.equal(split(sql)[0].refusal, reason, sql)
  }
  for (const [sql, blocks] of [['TRUNCATE t', 'truncate'], ['ALTER TABLE t ADD a int', 'alter'], ['DROP INDEX i', 'drop'],
    ['CREATE UNIQUE INDEX i ON t (a)', 'create-index'], ['CREATE OR REPLACE VIEW v AS SELECT 1', 'create-view'],
    ['CREATE TABLE t (a int REFERENCES u)', 'create-table']]) {
    assert.equal(split(sql)[0].blocks, 'unsupported:' + blocks, sql)
  }
  for (const sql of ['CREATE TEMP TABLE t (a int REFERENCES u)', 'CREATE VIEW v AS SELECT 1', 'CREATE SCHEMA s']) assert.equal(split(sql)[0].blocks, '', sql)
})

test('what writes', () => {
  for (const sql of ['SELECT * FROM t FOR KEY SHARE', 'SELECT * INTO x FROM t', "SELECT make_account('a')", 'CALL p()',
    'WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x', 'EXPLAIN ANALYZE DELETE FROM t', 'COPY t FROM STDIN']) {
    assert.equal(split(sql)[0].writes, true, sql)
  }
  for (const sql of ['SELECT 1', 'SELECT count(*), lower(x) FROM t WHERE a IN (1)', 'SHOW x', 'SET x = 1', 'EXPLAIN SELECT 1']) {
    assert.equal(split(sql)[0].writes, false, sql)
  }
  for (const [sql, table] of [['INSERT INTO other.notes VALUES (1)', 'other.notes'], ['UPDATE ONLY "Odd" SET a = 1', 'Odd'], ['DELETE FROM t', 't']]) {
    assert.equal(split(sql)[0].table, table)
  }
})

test('plain transactions are understood, and nothing else', () => {
  const of = (sql) => split(sql)[0].transaction
  for (const sql of ['BEGIN', 'BEGIN;', 'begin work', 'BEGIN TRANSACTION', 'START TRANSACTION', 'BEGIN DEFERRABLE', '/*c*/ BEGIN -- c']) {
    assert.deepEqual(of(sql), { does: 'begin', isolation: '', readOnly: false, readWrite: false }, sql)
  }
  assert.deepEqual(of('BEGIN TRANSACTION ISOLATION LEVEL repeatable read READ ONLY;'), { does: 'begin', isolation: 'repeatable read', readOnly: true, readWrite: false })
  assert.deepEqual(of('BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE, NOT DEFERRABLE'), { does: 'begin', isolation: 'serializable', readOnly: false, readWrite: true })
  for (const sql of ['COMMIT', 'END', 'commit transaction;', 'COMMIT AND NO CHAIN', 'end work and no chain']) assert.equal(of(sql)?.does, 'commit', sql)
  for (const sql of ['ROLLBACK', 'ABORT', 'rollback work', 'ROLLBACK AND NO CHAIN']) assert.equal(of(sql)?.does, 'rollback', sql)
  for (const sql of ['COMMIT AND CHAIN', "COMMIT PREPARED 'x'", 'ROLLBACK TO x', 'ROLLBACK AND CHAIN', "PREPARE TRANSACTION 'x'", 'BEGIN NONSENSE',
    'BEGIN ISOLATION LEVEL "serializable"', 'START', 'SELECT 1', 'COMMIT x', 'BEGIN ,']) assert.equal(of(sql), null, sql)
})
