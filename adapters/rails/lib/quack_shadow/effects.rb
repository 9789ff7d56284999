# frozen_string_literal: true

module QuackShadow
  # What a shadow would have done besides writing, by "kind:detail", as
  # Quack-Footprint has it.
  class Effects
    def initialize
      @lock = Mutex.new
      @counts = Hash.new(0)
    end

    # name is "mail:OrderMailer.placed", "job:ChargeJob", "callback".
    def record(name, count = 1)
      @lock.synchronize { @counts[name] += count } if count.positive?
    end

    def to_h = @lock.synchronize { @counts.dup }
  end
end
