# frozen_string_literal: true

require "securerandom"

module QuackShadow
  # One Postgres session outside of the pool, with one transaction for one
  # shadow. It is opened as ActiveRecord opens its own.
  class Session
    SUFFIX = "quack-shadow"

    # How much later than us the server ends a statement or an idle transaction,
    # in ms, at least: for a process that has stopped running.
    GRACE = 100
    STEP = 50

    # Asks what has to be known of a transaction. It has no parameters, so that
    # its plan is kept.
    OPEN = <<~SQL.tr("\n", " ").strip
      SELECT pg_catalog.txid_current_if_assigned(), pg_catalog.current_setting('default_transaction_isolation'),
      pg_catalog.current_setting('track_counts'),
      EXISTS (SELECT FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
      WHERE c.condeferrable AND n.nspname <> 'txshadow'),
      EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass('txshadow.fuse')
      AND tgname = 'fuse' AND tgenabled = 'A' AND tgdeferrable AND tginitdeferred),
      pg_catalog.current_setting('default_transaction_read_only')
    SQL

    # The error for an operator, with the next step.
    class Unfit < StandardError; end

    # default_transaction_isolation is serializable: an open shadow would make
    # live transactions fail with 40001.
    class Serializable < StandardError
      def initialize = super("default_transaction_isolation is serializable: an open shadow would make live transactions fail with 40001")
    end

    attr_reader :adapter, :connection, :opened, :pid, :started, :server, :xid, :nonce, :limit, :lock_timeout, :isolation

    def initialize(adapter)
      @adapter = adapter
      @connection = adapter.quack_connection
      @opened = QuackShadow.clock
      @process = Process.pid
      @connection.set_notice_receiver { |r| @ended_before = true if r.error_field(PG::PG_DIAG_SQLSTATE) == "25P01" }
      @isolation = "read committed"
      set_up
    rescue StandardError
      close
      raise
    end

    # The name under which its transaction may be prepared; nil for none.
    attr_accessor :gid

    # Whether another process of ours has opened it.
    def inherited? = @process != Process.pid

    def counting? = @counting
    def flushed? = @flushed

    # Whether the server has warned that there was no transaction to end (25P01):
    # it had been ended behind our back.
    def ended_before? = @ended_before
    def deferrable? = @deferrable

    # Opens the transaction that can not commit, in one round trip: the fuse
    # first, then the limits that protect others.
    def arm(limit, lock_timeout)
      @nonce = SecureRandom.hex(16)
      open("READ WRITE; INSERT INTO txshadow.fuse (nonce) VALUES ('#{@nonce}');", limit, lock_timeout)
      raise Unfit, "the trigger of txshadow.fuse is missing or switched off\n  install it anew: quack txshadow install" unless @fused

      belted!
    end

    # Opens a transaction that can not write.
    def read_only(limit, lock_timeout)
      open("READ ONLY;", limit, lock_timeout)
      belted!
    end

    def control(sql, **options) = @connection.control(sql, **options)

    # :idle, :open, :failed, or :gone.
    def status
      return :gone if @connection.finished? || @connection.status != PG::CONNECTION_OK

      { PG::PQTRANS_IDLE => :idle, PG::PQTRANS_INTRANS => :open, PG::PQTRANS_INERROR => :failed }.fetch(@connection.transaction_status, :gone)
    rescue PG::Error
      :gone
    end

    def close
      @connection.finish unless @connection.finished?
    rescue PG::Error
      nil
    end

    private

    def set_up
      raise Unfit, "the connection has a transaction open" unless status == :idle

      id, name, version, @started, @server = control(<<~SQL).first.values.first
        SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('application_name'), pg_catalog.current_setting('server_version_num'),
        (SELECT #{Elsewhere.instant('backend_start')} FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()),
        #{Elsewhere.instant(Elsewhere::SERVER)}
      SQL
      pooled! unless id.to_i == @connection.backend_pid
      @pid = id.to_i
      control("PREPARE _ts_open AS #{OPEN}; PREPARE _ts_counts AS #{Ledger::SQL}; EXECUTE _ts_open; EXECUTE _ts_counts")
      control("SET application_name = '#{@connection.escape_string([name[0, 50], SUFFIX].reject(&:empty?).join(' '))}'; " \
              "SET synchronous_commit = local; SET default_transaction_read_only = on")
      # What was written before would count as the shadow's otherwise.
      @flushed = version.to_i >= 150_000
      control("SELECT pg_catalog.pg_stat_force_next_flush()") if @flushed
    end

    def pooled!
      raise Unfit, "a connection pooler stands before the database: the process that serves the session is not the one that it announced\n" \
                   "  a pooler would hand the session's settings on to live work; set direct_url to the database itself"
    end

    # Begins with the isolation of the session's default, which it has to ask
    # for.
    def open(access, limit, lock_timeout)
      @limit = (limit + GRACE).div(STEP) * STEP + STEP # in steps: pg_stat_statements keeps each spelling of a SET
      @lock_timeout = lock_timeout
      2.times do
        usual = start(access)
        return if usual == @isolation

        control("ROLLBACK")
        raise Serializable if usual == "serializable"

        @isolation = usual
      end
      raise Unfit, "default_transaction_isolation does not stay what it is"
    end

    def start(access)
      row = control("BEGIN ISOLATION LEVEL #{@isolation} #{access} SET LOCAL lock_timeout = #{@lock_timeout}; " \
                    "SET LOCAL statement_timeout = #{@limit}; SET LOCAL idle_in_transaction_session_timeout = #{@limit}; EXECUTE _ts_open").last.values.first
      @xid, usual, counting, deferrable, fused, belted = row
      @counting = counting == "on"
      @deferrable = deferrable == "t"
      @fused = fused == "t"
      @belted = belted == "on"
      raise Unfit, "the transaction has status #{status}" unless status == :open

      usual == "read uncommitted" ? "read committed" : usual # the same in PostgreSQL
    end

    def belted!
      raise Unfit, "default_transaction_read_only is not on in the shadow's session" unless @belted
    end
  end
end
