# frozen_string_literal: true

module QuackShadow
  # Rolls back what processes that were killed have left prepared, from the first
  # request on and then every 30 seconds, in a thread of its own.
  class Sweeper
    EVERY = 30 # seconds

    def initialize(adapter)
      @adapter = adapter
      @lock = Mutex.new
    end

    # Starts to look, once in each process: a thread does not go along into a fork.
    def start
      return if @process == Process.pid

      @lock.synchronize do
        next if @process == Process.pid

        @process = Process.pid
        @thread = Scope.with(nil) { Thread.new { run } }
      end
    end

    # Starts to look again, where the server had taken no prepared transactions
    # and takes them now.
    def again
      @lock.synchronize { @process = nil unless @thread&.alive? }
      start
    end

    private

    def run
      sleep EVERY while look
    end

    # Looks once. False when the server takes no prepared transactions.
    def look
      other = PG.connect(**@adapter.sessions.parameters)
      return false if other.exec("SHOW max_prepared_transactions").getvalue(0, 0) == "0"

      Prepared.sweep(other) do |gid|
        @adapter.log(:warn, "rolled back a prepared transaction that a shadow had left behind: #{gid}")
      end
      true
    rescue StandardError => e
      @adapter.log(:warn, "look for prepared transactions that shadows have left behind: #{e.message}")
      true
    ensure
      other&.finish
    end
  end
end
