# frozen_string_literal: true

module QuackShadow
  # What the application sends at once: statements that share one implicit
  # transaction, and so one savepoint, when they stand outside of one of its own.
  module Work
    # How many savepoints of a shadow may write. Above 64 subtransactions with an
    # id of their own, snapshots become slow in the whole cluster.
    MOST_WRITERS = 60

    FUSE = "QF001"
    NO_SAVEPOINT = %w[3B001 25P01].freeze

    # Sends SQL by the block, which is given what to send.
    def run(sql, parameters = nil)
      mine do
        statements, text = admit(sql, parameters)
        refuse!("unsupported:copy") if statements.any? { |s| copies_rows?(s) }
        perform(statements) { yield text }
      end
    end

    def prepare(name, sql)
      mine do
        statements, text = admit(sql, nil)
        result = perform([]) { yield text }
        @prepared[name] = statements
        result
      end
    end

    def run_prepared(name, parameters, &block)
      mine do
        statements = @prepared[name] or refuse!("unsupported:statement")
        statements.each { |s| judge(s, parameters) }
        perform(statements, &block)
      end
    end

    def copy(sql)
      mine do
        statements, text = admit(sql, nil)
        perform(statements) { yield text }
      end
    end

    private

    # COPY that moves rows over this connection, in a method that does not.
    def copies_rows?(statement) = statement.verb == "copy"

    def perform(statements)
      mark = before(statements) if @transactions.empty?
      writes = statements.any?(&:writes)
      @books.stale = @unchecked = true if writes && !readonly?
      begin
        result = yield
      rescue PG::Error => e
        failure = e
      end
      watch(statements, failure)
      observe(statements, failure)
      failure = after(mark, failure) if mark
      raise failure if failure

      result
    end

    # Makes the savepoint of work outside of a transaction.
    def before(statements)
      if statements.any?(&:writes) && (@writers += 1) > MOST_WRITERS
        refuse!("unsupported:too-many-statements")
      end
      savepoint
    end

    # Ends the savepoint of work outside of a transaction, as its commit or its
    # rollback would, and returns what the application's error is.
    def after(mark, failure)
      failure ||= deferred_failure if @unchecked
      roll_back_to(mark) if @session.status == :failed
      @open = mark.name # released on the way of the next
      failure
    end

    # Makes a savepoint. What the last statement has left open is released on the
    # way, and the books are read when it will have to know where they stood.
    def savepoint
      name = "#{SQL::Refusals::OURS}#{@serial += 1}"
      sql = "#{released}SAVEPOINT #{name}"
      sql += ";#{counts_sql}" if @books.stale
      results = control(sql)
      @books.read(results.last) if @books.stale
      @books.mark(name)
    end

    def released
      open = @open
      @open = nil
      open ? "RELEASE #{open};" : ""
    end

    # Goes back to a savepoint, which stays, and puts the books right.
    def roll_back_to(mark, more = "")
      sql = "ROLLBACK TO #{mark.name}"
      sql += ";#{counts_sql}" if @books.stale
      results = control(sql + more)
      @books.read(results[1]) if @books.stale
      @books.undone(mark)
    end

    def counts_sql = "EXECUTE _ts_counts"

    # Statements of our own. That a savepoint is missing, or the transaction,
    # means that it has been ended behind our back.
    def control(sql)
      results = @session.control(sql, within: 60) # its end comes before, by statement_timeout
      escaped!("chain") if @session.status == :idle
      results
    rescue Lost => e
      lost!(e)
    rescue PG::Error => e
      escaped!("chain") if NO_SAVEPOINT.include?(state(e))
      watch([], e)
      raise
    end

    # Looks at where work has left the session. An idle session, or the fuse's
    # own error, means that the transaction has ended.
    def watch(statements, failure)
      status = @session.status
      lost!(failure) if status == :gone
      return unless status == :idle || state(failure) == FUSE

      escaped!(statements.first&.verb || "unknown")
    end

    def escaped!(verb)
      @adapter.log(:error, "the transaction of shadow request #{id} has ended (#{verb}): something may have been written\n" \
                         "  compare the tables of this request with what live requests have written")
      @session.close
      refuse!("escape:#{verb}")
    end

    def lost!(failure)
      note("unsupported:session-lost")
      @poison ||= Lost.new("the shadow's session is gone: #{failure&.message || 'the connection is closed'}")
      raise @poison
    end

    # Notes errors that say something about the shadow.
    def observe(statements, failure)
      case state(failure)
      when "25006"
        note("write:25006#{detail(statements)}") if readonly?
      when "2D000" # COMMIT or ROLLBACK in a procedure, which is not called by itself here
        note("unsupported:procedure") if @transactions.empty? # else it fails live as well
      when "55P03"
        # Not NOWAIT, with which the application itself asked for it.
        note("unsupported:lock-timeout") if field(failure, PG::PG_DIAG_SOURCE_FUNCTION) == "ProcessInterrupts"
      end
    end

    def detail(statements)
      s = statements.find(&:writes) || statements.first or return ""
      s.writes && !s.table.empty? ? ":#{s.verb}:#{s.table}" : ":#{s.verb}"
    end

    def state(failure) = field(failure, PG::PG_DIAG_SQLSTATE)

    def field(failure, name)
      failure.respond_to?(:result) ? failure.result&.error_field(name) : nil
    end
  end
end
