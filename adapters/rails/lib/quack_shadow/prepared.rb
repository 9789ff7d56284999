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

    def initialize(agent, session, marked)
      @agent = agent
      @session = session
      @gid = marked.gid
      @slot = "txshadow_#{@gid.split('-')[1]}"
    end

    # The transaction is gone when it returns. That it can not be prepared, as
    # with temporary tables, ends it as well.
    def run
      return unless prepared?

      begin
        wait_for_decoding
        @session.control("ROLLBACK PREPARED '#{@gid}'")
      rescue PG::Error
        elsewhere("ROLLBACK PREPARED '#{@gid}'")
      end
      confirm
    end

    # Rolls back what processes that are gone have left.
    def self.sweep(connection)
      connection.exec(<<~SQL).column_values(0).each { |gid| connection.exec("ROLLBACK PREPARED '#{connection.escape_string(gid)}'") }
        SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid LIKE 'txshadow-%' AND owner = current_user
        AND database = pg_catalog.current_database() AND prepared < pg_catalog.clock_timestamp() - interval '#{ORPHANED}'
      SQL
    end

    private

    def prepared?
      # Only the role in force at the PREPARE may end it, and SET LOCAL ROLE ends with it.
      @session.control("RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL txshadow.probe = '#{@session.nonce}'; PREPARE TRANSACTION '#{@gid}'")
      @session.status == :idle
    rescue PG::Error => e
      raise if e.is_a?(Lost) || @session.status == :gone

      @session.control("ROLLBACK") unless @session.status == :idle
      false
    end

    # Until the slot has given what was prepared, is gone, or the time is up.
    def wait_for_decoding
      deadline = QuackShadow.clock + PATIENCE
      lsn = @session.control("SELECT pg_catalog.pg_current_wal_insert_lsn()").last.getvalue(0, 0)
      sleep 0.001
      until QuackShadow.clock > deadline
        slot = @session.control("SELECT confirmed_flush_lsn >= '#{lsn}' FROM pg_catalog.pg_replication_slots WHERE slot_name = '#{@slot}'").last
        return if slot.ntuples.zero? || slot.getvalue(0, 0) == "t"

        sleep 0.002
      end
    end

    def confirm
      status = begin
        @session.control("SELECT pg_catalog.pg_xact_status('#{@session.xid}'::text::xid8)").last.getvalue(0, 0)
      rescue PG::Error
        elsewhere("SELECT pg_catalog.pg_xact_status('#{@session.xid}'::text::xid8)").getvalue(0, 0)
      end
      raise Leak, "the transaction #{@session.xid} is #{status}" unless status == "aborted"
    end

    def elsewhere(sql)
      other = PG.connect(**@agent.sessions.parameters)
      other.exec(sql)
    rescue PG::Error => e
      return if e.is_a?(PG::UndefinedObject) && sql.start_with?("ROLLBACK") # it had been done

      raise Leak, e.message
    ensure
      other&.finish
    end
  end
end
