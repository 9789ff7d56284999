# frozen_string_literal: true

module QuackShadow
  # The proof that a shadow can not commit here.
  class Hello
    PATH = "/.well-known/quack/hello"

    # Seconds that one proof answers for, that one which has failed is not
    # repeated, and from one whole drill to the next. A drill leaves two errors
    # in the server's log.
    PROOF = 4
    FAILURE = 1
    DRILL = 60

    # An error with the next step, where one is known.
    def self.advice(error)
      step = case error
             when PG::UndefinedTable, PG::InvalidSchemaName then "\n  the fuse is not installed in this database: quack txshadow install"
             when PG::InsufficientPrivilege then "\n  this role may not arm the fuse: quack txshadow install --role ROLE"
             end
      "#{error.message.strip}#{step}"
    end

    def initialize(adapter)
      @adapter = adapter
      @lock = Mutex.new
      @until = @drilled = -1e9
    end

    # "" or "prepare" (that mode is offered too). Raises why there is no proof.
    def prove
      @lock.synchronize do
        renew if QuackShadow.clock > @until
        raise @error if @error

        @reason
      end
    end

    # Whether mode=prepare is offered.
    def prepares?
      (@reason || prove) == "prepare"
    rescue StandardError
      false
    end

    private

    def renew
      whole = @error || QuackShadow.clock - @drilled > DRILL
      @reason = arm_and_try(whole)
      @error = nil
      @until = QuackShadow.clock + PROOF
      @drilled = QuackShadow.clock if whole
    rescue StandardError => e
      @error = e
      @until = QuackShadow.clock + FAILURE
    ensure
      @adapter.sessions.refill
    end

    def arm_and_try(whole)
      session = @adapter.sessions.take
      session.arm(3000, @adapter.config.lock_timeout)
      prepares = session.control(Prepared::OFFERED).last.getvalue(0, 0) == "t"
      drill(session) if whole
      @adapter.sweeper.again if prepares
      prepares ? "prepare" : ""
    ensure
      session&.close
    end

    # Tries to commit, as an application would that has got past the
    # interception: the fuse has to refuse it, and the belt what comes after.
    def drill(session)
      refused(session, "COMMIT", Work::FUSE, "the fuse did not refuse a COMMIT")
      raise Session::Unfit, "after the fuse the session is #{session.status}" unless session.status == :idle

      refused(session, "INSERT INTO txshadow.fuse (nonce) VALUES ('drill')", "25006", "the session did not refuse to write after its transaction")
    end

    def refused(session, sql, state, why)
      session.control(sql)
      raise Session::Unfit, "#{why}\n  install the fuse anew: quack txshadow install"
    rescue PG::Error => e
      raise Session::Unfit, "#{why}: #{e.message}" unless e.result&.error_field(PG::PG_DIAG_SQLSTATE) == state
    end
  end
end
