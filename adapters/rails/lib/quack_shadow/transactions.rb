# frozen_string_literal: true

module QuackShadow
  # The application's transactions inside a shadow: savepoints.
  module Transactions
    # An open one. leak is what outlives its COMMIT; points are the savepoints
    # that ActiveRecord has made in it, by name.
    Open = Struct.new(:mark, :points, :leak)

    # Constraints that an event may wait for: those of tables with changed rows,
    # on either side of a foreign key.
    TOUCHED = <<~SQL.tr("\n", " ").chomp
       AND 0 < pg_catalog.pg_stat_get_xact_tuples_inserted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.conrelid)
      + pg_catalog.pg_stat_get_xact_tuples_deleted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_inserted(c.confrelid)
      + pg_catalog.pg_stat_get_xact_tuples_updated(c.confrelid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.confrelid)
    SQL

    # Runs the block, a transaction of ActiveRecord's with all that is in it, when
    # no other thread has one open.
    def apart
      enter_apart? || wait_apart
      begin
        yield
      ensure
        @lock.synchronize { @owner = nil if (@depth -= 1).zero? }
      end
    end

    # Whether a thread waits for the end of another one's transaction, which may
    # wait for the thread.
    def waiting? = @lock.synchronize { @waiting.positive? }

    # isolation is a level in lower case, or nil.
    def begin(isolation = nil)
      mine do
        refuse!("unsupported:concurrent-transactions") unless @transactions.empty?
        isolation = "read committed" if isolation == "read uncommitted" # the same in PostgreSQL
        refuse!("unsupported:isolation") if isolation && isolation != @session.isolation
        one_more_writer
        note("unsupported:#{@leaked}") if @leaked
        @transactions << Open.new(savepoint, {})
      end
    end

    # Checks the deferred constraints, as a commit would, and ends the
    # transaction. One that has failed is rolled back without an error, as
    # COMMIT does it.
    def commit
      mine do
        open = @transactions.last or next
        if @session.status == :failed
          undo(open)
        elsif @unchecked && (failure = deferred_failure)
          undo(open)
          raise failure
        else
          @open = @transactions.pop.mark.name # released with what comes next
          @leaked = open.leak if open.leak
        end
      end
    end

    def rollback
      mine { undo(@transactions.last) if @transactions.any? }
    end

    # A savepoint of ActiveRecord's.
    def create_point(name)
      mine do
        one_more_writer
        @transactions.last.points[name] = savepoint
      end
    end

    def release_point(name)
      mine do
        mark = @transactions.last.points.delete(name) or refuse!("unsupported:savepoint-name")
        control("RELEASE #{mark.name}")
      end
    end

    def roll_back_to_point(name)
      mine do
        mark = @transactions.last.points[name] or refuse!("unsupported:savepoint-name")
        roll_back_to(mark)
      end
    end

    # That of the raw connection.
    def transaction
      self.begin
      begin
        result = yield
      rescue Exception # rubocop:disable Lint/RescueException
        rollback
        raise
      end
      commit
      result
    end

    private

    def enter_apart?
      @lock.synchronize do
        @owner ||= Thread.current
        @owner == Thread.current && @depth += 1
      end
    end

    def wait_apart
      @lock.synchronize { @waiting += 1 }
      until enter_apart?
        stopped!
        sleep 0.002
      end
    ensure
      @lock.synchronize { @waiting -= 1 }
    end

    def one_more_writer
      refuse!("unsupported:too-many-statements") if (@writers += 1) > Work::MOST_WRITERS
    end

    def undo(open)
      @transactions.pop
      roll_back_to(open.mark, ";RELEASE #{open.mark.name}")
    end

    # Fires the deferred constraints that wait, the fuse aside, and then puts all
    # as they were declared. Returns the error of one that fails.
    def deferred_failure
      @unchecked = false
      return unless @session.deferrable?

      all, deferred = deferrable(@session.counting? ? TOUCHED : "")
      return unless all

      sql = "SET CONSTRAINTS #{all} IMMEDIATE"
      sql += "; SET CONSTRAINTS #{deferred} DEFERRED" if deferred
      @books.stale = true # a trigger may have written
      control(sql)
      nil
    rescue PG::Error => e
      raise if e.is_a?(Refused) || e.is_a?(Lost)

      e
    end

    # The names of the deferrable constraints but the fuse, for SET CONSTRAINTS:
    # all, and those that are deferred from the start; nil for none.
    def deferrable(condition = "")
      control(<<~SQL).last.values.first
        SELECT string_agg(DISTINCT name, ', '), string_agg(DISTINCT name, ', ') FILTER (WHERE condeferred)
        FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, c.condeferred
          FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
          WHERE c.condeferrable AND n.nspname <> 'txshadow'#{condition}) c
      SQL
    end
  end
end
