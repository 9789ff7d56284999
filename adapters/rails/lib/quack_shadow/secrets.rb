# frozen_string_literal: true

module QuackShadow
  # The secrets of QUACK_SHADOW_SECRET: the first signs, all are accepted. They
  # are never printed.
  class Secrets
    # Below it, guessing is cheaper than asking.
    LEAST = 16

    # Reads one secret, or several separated by commas.
    def self.parse(list)
      raise ArgumentError, <<~WHY.chomp if list.to_s.strip.empty?
        no shadow secret was given
          set QUACK_SHADOW_SECRET to what `quack token shadow` prints, the same for Quack and its backends
      WHY

      new(list.split(",", -1).map(&:strip))
    end

    attr_reader :all

    def initialize(all)
      all.each_with_index do |s, i|
        next if s.bytesize >= LEAST

        raise ArgumentError, "shadow secret #{i + 1} of the list has #{s.bytesize} bytes, and at least #{LEAST} are needed\n  " \
                             "make one with: openssl rand -hex 32"
      end
      @all = all
    end

    def inspect = "#<QuackShadow::Secrets>"
    alias to_s inspect
  end
end
