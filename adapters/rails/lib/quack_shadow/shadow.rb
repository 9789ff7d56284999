# frozen_string_literal: true

require_relative "turn"
require_relative "work"
require_relative "transactions"
require_relative "admission"
require_relative "ending"

module QuackShadow
  # One shadow request under way: everything that it sends to the database goes
  # through here, on one session, one statement at a time.
  class Shadow
    include Admission
    include Work
    include Transactions
    include Ending

    RANK = { "escape" => 4, "write" => 3, "budget" => 2, "unsupported" => 1 }.freeze

    attr_reader :id, :effects

    # limit is in ms, from now on.
    def initialize(adapter, marked, limit)
      @adapter = adapter
      @marked = marked
      @id = marked.id
      @limit = limit
      @deadline = QuackShadow.clock + limit / 1000.0
      @turn = Turn.new
      @lock = Mutex.new
      @effects = Effects.new
      @books = Ledger.new
      @prepared = {}
      @serial = @writers = @waiting = @depth = 0
      @transactions = []
    end

    def readonly? = @marked.readonly?

    # Seconds that are left.
    def left = @deadline - QuackShadow.clock

    # Opens the session and its transaction. Raises when it can not.
    def attach
      session = begun
      @books.open(session.control(Ledger::SQL).last) unless readonly? || session.flushed?
      session.connection.shadow = self
      session.adapter.quack_pin(self)
      @session = session
    rescue StandardError
      session&.close
      raise
    end

    # The ActiveRecord connection that all threads of the request use.
    def adapter
      @lock.synchronize { attach_reading unless @session }
      @session.adapter
    end

    # Keeps the reason that the acknowledgement will give: a graver one replaces
    # a lesser one, else the first stays.
    def note(reason)
      @lock.synchronize { @reason = reason if rank(reason) > rank(@reason) } unless @over
    end

    def reason = @reason

    # Notes the reason and raises the error for the application. After an
    # attempt to escape nothing more is sent.
    def refuse!(reason)
      note(reason)
      error = Refused.new(reason)
      if reason.start_with?("escape:")
        @adapter.log(:error, "shadow request #{id} tried to end its transaction (#{reason})")
        @poison = error
      end
      raise error
    end

    def over? = @over

    private

    # A session with its transaction. A spare that was cut off while it waited is
    # known by its first use: another one is taken then.
    def begun(again: true)
      session = @adapter.sessions.take
      readonly? ? session.read_only(ms_left, lock_timeout) : session.arm(ms_left, lock_timeout)
      session
    rescue StandardError => e
      cut = e.is_a?(PG::Error) && session&.status == :gone
      session&.close
      raise unless cut && again

      begun(again: false)
    end

    def attach_reading
      raise Over if @over

      attach
    rescue Session::Serializable => e
      unattached("unsupported:isolation", e)
    rescue PG::Error, Session::Unfit, ActiveRecord::ActiveRecordError => e
      unattached("unsupported:arm", e)
    end

    def unattached(reason, error)
      raise error if error.is_a?(Over)

      @reason ||= reason
      @adapter.log(:error, "reading shadow #{id} was not run: #{error.message}")
      raise Refused.new(reason)
    end

    def rank(reason) = RANK.fetch(reason.to_s[/\A[a-z]+/], 0)
    def ms_left = [(left * 1000).ceil, 1].max
    def lock_timeout = @adapter.config.lock_timeout

    # Runs the block with the session to itself.
    def mine(&block)
      @turn.take(-> { stopped! }) do
        stopped!
        block.call
      end
    end

    # Raises when nothing more is sent.
    def stopped!
      raise Over if @over
      raise @poison if @poison

      false
    end
  end
end
