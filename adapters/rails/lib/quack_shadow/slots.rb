# frozen_string_literal: true

module QuackShadow
  # Places for shadows that run at once.
  class Slots
    def initialize(count)
      @free = count
      @lock = Mutex.new
      @given = ConditionVariable.new
    end

    # Takes one, within patience in seconds; false when there is none.
    def take(patience)
      deadline = QuackShadow.clock + patience
      @lock.synchronize do
        while @free.zero?
          left = deadline - QuackShadow.clock
          return false unless left.positive?

          @given.wait(@lock, left)
        end
        @free -= 1
      end
      true
    end

    def give
      @lock.synchronize do
        @free += 1
        @given.signal
      end
    end
  end
end
