# frozen_string_literal: true

module QuackShadow
  # The end of a shadow of mode=prepare: PREPARE TRANSACTION, so that its rows
  # can be decoded, and ROLLBACK PREPARED. Nobody ever sends COMMIT PREPARED.
  class Prepared
    # The rollback can not be confirmed.
    class Leak < StandardError; end

    # How long the decoding is waited for, in seconds.
    PATIENCE = 0.150

    # Prepared longer ago than this, one belongs to nobody any more.
    ORPHANED = "10 s"

    # left is how long the shadow may still take, in seconds.
    def initialize(adapter, session, marked, left)
      @adapter = adapter
      @session = session
      @id = marked.id
      @gid = marked.gid
      @left = left
      @slot = "txshadow_#{@gid.split('-')[1]}"
    end

    # The transaction is gone when it returns. That it can not be prepared, as
    # with temporary tables, ends it as well. Errors of the connection leave it to
    # another session to find out.
    def run
      return unless (lsn = prepare)

      wait_for_decoding(lsn)
      settle
    end

    # Rolls gid back and makes sure of it. control runs SQL and returns its results.
    def self.settle(control, gid, xid)
      roll_back(control, gid)
      status = control.call("SELECT pg_catalog.pg_xact_status('#{xid}'::text::pg_catalog.xid8)").last.getvalue(0, 0)
      raise Leak, "the transaction #{xid} is #{status}" unless status == "aborted"
    end

    # That there is none any more is as good: a watchdog may have been first, and
    # is waited for when it is about to. What counts is what became of the
    # transaction.
    def self.roll_back(control, gid, tries = 100)
      control.call("ROLLBACK PREPARED '#{gid}'")
    rescue PG::UndefinedObject
      nil
    rescue PG::ObjectNotInPrerequisiteState
      sleep 0.002
      retry if (tries -= 1).positive?
    end

    # A ROLLBACK PREPARED that waits for a synchronous standby keeps the locks until then.
    WITHOUT_STANDBYS = "SET synchronous_commit = local"

    # What is prepared under one of our names, by this role in this database, and
    # belongs to nobody any more.
    ORPHANS = <<~SQL
      SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid ~ '^txshadow-[a-z0-9]{1,32}-[0-9]{1,19}$' AND owner = current_user
      AND database = pg_catalog.current_database() AND prepared < pg_catalog.clock_timestamp() - interval '#{ORPHANED}'
    SQL

    # Whether the server can be asked for mode=prepare. The fuse has to know the
    # probe.
    OFFERED = <<~SQL
      SELECT pg_catalog.current_setting('max_prepared_transactions')::int > 0
      AND pg_catalog.current_setting('server_version_num')::int >= 140000 AND pg_catalog.current_setting('wal_level') = 'logical'
      AND EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regproc('txshadow.refuse') AND prosrc LIKE '%txshadow.probe%')
    SQL

    # Rolls back what processes that are gone have left, and yields the names.
    # That somebody else is about to, or has done so, is as good.
    def self.sweep(connection)
      connection.exec(WITHOUT_STANDBYS)
      connection.exec(ORPHANS).column_values(0).each do |gid|
        connection.exec("ROLLBACK PREPARED '#{connection.escape_string(gid)}'")
        yield gid
      rescue PG::UndefinedObject, PG::ObjectNotInPrerequisiteState
        next
      end
    end

    private

    # Only the role in force at the PREPARE may end it, and SET LOCAL ROLE ends with it.
    # Returned is the place in the log that the decoder has to pass; nil when nothing is
    # prepared. The message makes a transaction that has written nothing that is
    # logged known to the decoder as well.
    def prepare
      @session.gid = @gid
      @session.control(<<~SQL).last.getvalue(0, 0)
        RESET SESSION AUTHORIZATION; RESET ROLE;
        SELECT pg_catalog.pg_logical_emit_message(true, 'txshadow', '#{@session.connection.escape_string(@id)}');
        SET SESSION synchronous_commit = local; SET LOCAL txshadow.probe = '#{@session.nonce}';
        PREPARE TRANSACTION '#{@gid}'; SELECT pg_catalog.pg_current_wal_flush_lsn()
      SQL
    rescue PG::Error => e
      raise if e.is_a?(Lost) || @session.status == :gone

      if @session.status == :idle # what stands behind the PREPARE may have been cancelled
        settle
      else
        @session.control("ROLLBACK")
      end
      nil
    end

    # Until the slot has given what was prepared, is gone, or the time is up.
    def wait_for_decoding(lsn)
      deadline = QuackShadow.clock + [PATIENCE, @left].min
      sleep 0.001
      until QuackShadow.clock > deadline
        slot = @session.control("SELECT confirmed_flush_lsn >= '#{lsn}' FROM pg_catalog.pg_replication_slots WHERE slot_name = '#{@slot}'").last
        return if slot.ntuples.zero? || slot.getvalue(0, 0) == "t"

        sleep 0.002
      end
    end

    def settle = self.class.settle(@session.method(:control), @gid, @session.xid)
  end
end
