# frozen_string_literal: true

module QuackShadow
  # Who may use the session: one thread at a time, whatever ActiveRecord locks.
  class Turn
    def initialize
      @mutex = Mutex.new
      @free = ConditionVariable.new
      @holder = nil
    end

    def held? = @holder == Thread.current

    # Waits for the turn and runs the block. over is asked while waiting, and
    # raises when there is nothing to wait for any more.
    def take(over)
      raise ThreadError, "the session is in use by this very thread" if held?

      begin
        @mutex.synchronize do
          @free.wait(@mutex, 0.1) until over.call || @holder.nil?
          @holder = Thread.current
        end
        yield
      ensure
        give if held?
      end
    end

    # Takes the turn for good, within patience in seconds; each is called while
    # waiting. False when it does not become free.
    def seize(patience, every)
      deadline = QuackShadow.clock + patience
      loop do
        @mutex.synchronize do
          return @holder = Thread.current if @holder.nil?
        end
        every.call
        @mutex.synchronize { @free.wait(@mutex, 0.025) unless @holder.nil? }
        return false if @holder && QuackShadow.clock > deadline
      end
    end

    def give
      @mutex.synchronize do
        @holder = nil
        @free.broadcast
      end
    end
  end
end
