# frozen_string_literal: true

module QuackShadow
  # How a shadow ends: rolled back, or it is not acknowledged.
  module Ending
    # What became of it. rolled_back: the server has said so. tables is
    # {name => {ins:, upd:, del:}}, nil when it is not known. unreachable: it is not
    # confirmed because there is no server to ask.
    Outcome = Struct.new(:rolled_back, :reason, :tables, :unreachable) do
      # Whether Quack may take it for unconfirmed, and not for a leak.
      def away? = unreachable && !reason.to_s.start_with?("escape:")
    end

    # How long a cancelled statement is waited for before the session is ended
    # from outside. Quack waits 100 ms beyond the budget.
    PATIENCE = 0.075

    # Ends the shadow. When it returns an outcome that is rolled back, the server
    # holds no lock for it any more.
    def finish
      session = @lock.synchronize do
        @over = true
        @session
      end
      return Outcome.new(true, @reason) unless session
      unless @turn.seize(PATIENCE, -> { session.connection.cancel })
        return from_outside("a statement did not end within #{PATIENCE} s of its cancellation")
      end
      return from_outside(nil) if session.status == :gone
      return missing if session.status == :idle

      roll_back
    rescue PG::QueryCanceled # a cancel request that came late
      late
    rescue Prepared::Leak => e
      unconfirmed(e)
    rescue PG::Error, SystemCallError, IOError => e
      from_outside(e.message)
    end

    private

    # The transaction was not there any more.
    def missing
      @reason = "escape:unknown" unless @reason&.start_with?("escape:")
      @adapter.log(:error, "the transaction of shadow request #{id} has ended: something may have been written")
      from_outside(nil)
    end

    def roll_back
      if readonly? || rank(@reason) >= rank("budget")
        @session.control("ROLLBACK")
      else
        roll_back_to(@transactions.first.mark) unless @transactions.empty?
        xid, counts = @session.control("SELECT pg_catalog.txid_current_if_assigned();#{Ledger::SQL}#{prepares? ? '' : ';ROLLBACK'}")
        return changed unless xid.getvalue(0, 0) == @session.xid

        @books.read(counts)
        tables = @books.tables if @session.counting?
        Prepared.new(@adapter, @session, @marked, left).run if prepares?
      end
      closed(tables)
    end

    def prepares? = @marked.prepare? && @reason.nil?

    def closed(tables)
      return missing if @session.ended_before?
      raise Lost, "after ROLLBACK the session has status #{@session.status}" unless @session.status == :idle

      @session.close
      @adapter.sessions.refill
      Outcome.new(true, @reason, tables)
    end

    # It was another transaction at the end than at the beginning.
    def changed
      @reason = "escape:chain"
      @adapter.log(:error, "the transaction of shadow request #{id} is not the one that was opened: something may have been written")
      from_outside(nil)
    end

    def unconfirmed(error)
      @adapter.log(:error, "the end of the transaction of shadow request #{id} can not be confirmed: #{error.message}")
      Outcome.new(false, @reason, nil, error.is_a?(Unreachable))
    end

    def late
      @session.control("ROLLBACK")
      closed(nil)
    rescue PG::Error => e
      from_outside(e.message)
    end

    # Ends the session by another one. A read-only transaction has nothing that
    # could be left.
    def from_outside(why)
      @adapter.log(:warn, "the session of shadow request #{id} is ended from outside: #{why}") if why
      @adapter.sessions.gone(@session)
      Outcome.new(true, @reason)
    rescue PG::Error, Prepared::Leak => e
      unconfirmed(e)
    ensure
      @adapter.sessions.refill
    end
  end
end
