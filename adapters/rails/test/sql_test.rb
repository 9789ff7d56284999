# frozen_string_literal: true

require_relative "helper"

class SQLTest < Minitest::Test
  # What a string is cut into: verbs; "!reason" for what is refused.
  SPLIT = [
    ["empty statements do not count", " ; ;-- x\n/* ; */;", []],
    ["a semicolon in quotes is no end", %q(select ';commit' ; select ";" from t), %w[select select]],
    ["doubled quotes", %q(select 'it''s;commit'; select "a"";""b"), %w[select select]],
    ["a backslash is nothing in an ordinary string", %q(select '\\'; commit), %w[select !escape:commit]],
    ["it escapes in E strings", %q(select E'\\'; commit'), %w[select]],
    ["an E string goes on after a new line", "select E'a'\n'\\'; commit'", %w[select]],
    ["but not after a space", %q(select E'a' '\\'; commit), %w[select !escape:commit]],
    ["a comment may stand before the new line", "select E'a' -- x\n '\\'; commit'", %w[select]],
    ["an identifier that ends in e is no E string", %q(select me'\\'; commit), %w[select !escape:commit]],
    ["dollar quotes", "select $$;commit$$, $a$;$$;$a$; commit", %w[select !escape:commit]],
    ["a dollar in a name opens nothing", "select a$b$; commit; select a$b$", %w[select !escape:commit select]],
    ["a parameter opens nothing", "select $1$$;commit$$", %w[select]],
    ["comments nest", "select 1 /* /* */ ; commit */ ; select 2", %w[select select]],
    ["a comment inside an operator", "select 1 +-- ; commit\n 2", %w[select]],
    ["a comment before the verb", "/*c*/commit", %w[!escape:commit]],
    ["upper case", "CoMmIt", %w[!escape:commit]],
    ["a quoted verb is no verb", '"commit"', %w[!unsupported:statement]],
    ["a string without end", "select 'x", %w[!unsupported:syntax]],
    ["a comment without end", "select 1; commit /*", %w[select !unsupported:syntax]],
    ["a body with an END of its own", "create function f() returns int begin atomic select 1; end", %w[!unsupported:begin-atomic]],
    ["parentheses", "(select 1) union (select 2)", %w[select]],
    ["a vertical tab is white space", "select 1;\vcommit", %w[select !escape:commit]],
    ["letters beyond ASCII", "select 'é' as é; commit", %w[select !escape:commit]]
  ].freeze

  def test_split
    SPLIT.each { |reason, sql, want| assert_equal want, cut(sql), "#{reason}: #{sql}" }
  end

  def test_backslashes_where_the_server_says_so
    assert_equal %w[select], cut(%q(select '\\'; commit'), backslash: true)
  end

  REFUSED = {
    "COMMIT" => "escape:commit", "END" => "escape:end", "ABORT" => "escape:abort", "ROLLBACK WORK" => "escape:rollback",
    "ROLLBACK AND CHAIN" => "escape:rollback", "BEGIN" => "escape:begin", "START TRANSACTION" => "escape:start-transaction",
    "PREPARE TRANSACTION 'x'" => "escape:prepare-transaction", "COMMIT PREPARED 'x'" => "escape:commit-prepared",
    "SAVEPOINT _ts_1" => "escape:savepoint", 'RELEASE "_ts_1"' => "escape:savepoint", "ROLLBACK TO _TS_1" => "escape:savepoint",
    "ROLLBACK TRANSACTION TO SAVEPOINT _ts_1" => "escape:savepoint", 'SAVEPOINT U&"x"' => "unsupported:savepoint-name",
    "SAVEPOINT mine" => nil, "RELEASE savepoint" => nil, "ROLLBACK TO savepoint" => nil, "ROLLBACK WORK TO mine" => nil,
    'SET LOCAL "default_transaction_read_only" TO off' => "unsupported:default_transaction_read_only",
    "SET SESSION session_replication_role = replica" => "unsupported:session_replication_role",
    "RESET session_replication_role" => "unsupported:session_replication_role", "RESET ALL" => "unsupported:reset-all",
    "DEALLOCATE PREPARE ALL" => "unsupported:deallocate", "DEALLOCATE x" => nil, "DEALLOCATE _ts_open" => "unsupported:deallocate",
    "DISCARD ALL" => "unsupported:discard",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE" => "unsupported:session-characteristics",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE" => "unsupported:isolation", "SET NAMES 'LATIN1'" => "unsupported:client_encoding",
    "SELECT set_config('session_replication_role', 'replica', false)" => "unsupported:session_replication_role",
    "SELECT set_config('app.tenant', '1', true)" => nil, "SET statement_timeout = 5" => nil, "SET TIME ZONE 'UTC'" => nil,
    "SELECT set_config('Statement_Timeout', '0', true)" => "unsupported:setting", "RESET lock_timeout" => nil,
    "SET CONSTRAINTS txshadow.fuse IMMEDIATE" => "unsupported:fuse", "SET CONSTRAINTS a, b IMMEDIATE" => nil,
    "SET txshadow.probe = 1" => "unsupported:txshadow", 'SET "txshadow.probe" = 1' => "unsupported:txshadow",
    "SELECT set_config('txshadow.probe', 'x', true)" => "unsupported:txshadow",
    "VACUUM t" => "unsupported:vacuum", "CREATE DATABASE x" => "unsupported:create-database",
    "CREATE INDEX CONCURRENTLY i ON t (a)" => "unsupported:concurrently", "CREATE UNIQUE INDEX i ON t (a)" => "unsupported:create-index",
    "CREATE TABLE t (a int REFERENCES u)" => "unsupported:create-table", "CREATE TEMP TABLE t (a int REFERENCES u)" => nil,
    "CREATE OR REPLACE VIEW v AS SELECT 1" => "unsupported:create-view", "CREATE SCHEMA s CREATE INDEX i ON t (a)" => "unsupported:create-schema",
    "TRUNCATE t" => "unsupported:truncate", "LOCK TABLE t" => "unsupported:lock", "ALTER TABLE t ADD a int" => "unsupported:alter",
    "SELECT a FROM t FOR UPDATE SKIP LOCKED" => "unsupported:skip-locked", "SELECT skip, locked FROM t" => nil,
    "ALTER SYSTEM SET x = 1" => "unsupported:alter-system", "LISTEN x" => "unsupported:listen", "NOTIFY x" => nil,
    "COPY t TO PROGRAM 'cat'" => "unsupported:copy-program", "COPY t TO '/tmp/x'" => "unsupported:copy-file", "COPY t FROM STDIN" => nil,
    "UPDATE pg_settings SET setting = 'off'" => "unsupported:pg_settings", "SELECT setting FROM pg_settings" => nil,
    'PREPARE x AS UPDATE ONLY (pg_catalog."pg_settings") SET setting = $1' => "unsupported:pg_settings",
    "SELECT setval('s', 1)" => "unsupported:setval", %q(SELECT pg_catalog."setval"('s', 1)) => "unsupported:setval", "SELECT setval FROM t" => nil,
    "SELECT pg_advisory_xact_lock(1)" => "unsupported:advisory-lock", "SELECT pg_advisory_unlock_all()" => "unsupported:advisory-lock",
    "SELECT dblink_exec('c', 'insert')" => "unsupported:dblink", 'DELETE FROM "txshadow".fuse' => "unsupported:txshadow",
    %q(SELECT U&"\0073etval"('s', 1)) => "unsupported:unicode-identifier", "frobnicate" => "unsupported:statement",
    "WITH a AS (SELECT 1) SELECT * FROM a" => nil, "DO $$BEGIN COMMIT; END$$" => nil
  }.freeze

  def test_what_is_refused
    REFUSED.each do |sql, want|
      all = QuackShadow::SQL.split(sql)
      assert_equal 1, all.size, sql
      got = all[0].refusal || all[0].blocks
      want.nil? ? assert_nil(got, sql) : assert_equal(want, got, sql)
    end
  end

  def test_writes_and_targets
    { "SELECT now()" => false, "SELECT f()" => true, "SELECT 1 FROM t FOR UPDATE" => true, "SHOW x" => false,
      "WITH a AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT * FROM a" => true }.each do |sql, want|
      assert_equal want, QuackShadow::SQL.split(sql)[0].writes, sql
    end
    { "INSERT INTO a.b VALUES (1)" => "a.b", 'UPDATE ONLY "T" SET a = 1' => "T", "DELETE FROM t" => "t" }.each do |sql, want|
      assert_equal want, QuackShadow::SQL.split(sql)[0].table, sql
    end
  end

  def test_guards_are_read
    { "SET statement_timeout = '2 s'" => 2000, "SET LOCAL lock_timeout TO 30" => 30, "SET statement_timeout = DEFAULT" => nil }.each do |sql, want|
      s = QuackShadow::SQL.split(sql)[0]
      refute_nil s.guard, sql
      want.nil? ? assert_nil(s.guard_to) : assert_equal(want, s.guard_to)
    end
  end

  def test_what_outlives_a_commit
    { "SET LOCAL search_path = x" => "set-local", "SET LOCAL work_mem = 1" => nil, "DECLARE c CURSOR FOR SELECT 1" => "cursor",
      "CREATE TEMP TABLE t (a int) ON COMMIT DROP" => "on-commit", "SELECT set_config('a.b', '1', true)" => "set-local",
      "SELECT set_config('a.b', '1', false)" => nil }.each do |sql, want|
      got = QuackShadow::SQL.split(sql)[0].leak
      want.nil? ? assert_nil(got, sql) : assert_equal(want, got, sql)
    end
  end

  private

  def cut(sql, **options)
    QuackShadow::SQL.split(sql, **options).map { |s| s.refusal ? "!#{s.refusal}" : s.verb }
  end
end
