# frozen_string_literal: true

require "logger"

module QuackShadow
  # The manual. Times are in ms, sizes in bytes.
  class Config
    # QUACK_SHADOW_SECRET: one secret, or several separated by commas. Default:
    # the environment variable of that name.
    attr_accessor :secret
    # Where shadows connect to when the application's own address is that of a
    # connection pooler: on sessions that a pooler shares a shadow is refused.
    attr_accessor :direct_url
    # How long the transaction of a shadow write may stay open, when Quack asks
    # for more or for nothing. Other clients may wait that long for its rows.
    attr_accessor :wall_cap
    # The same for reading shadows, on which nobody waits.
    attr_accessor :read_cap
    # How long a statement of a shadow may wait for a lock.
    attr_accessor :lock_timeout
    # How many shadow writes run at once in this process, each with a session of
    # its own; as many reading shadows besides.
    attr_accessor :max_shadows
    # How much of a request's body, and of an answer's, is kept in memory.
    attr_accessor :max_body
    attr_writer :logger

    def initialize
      @secret = ENV["QUACK_SHADOW_SECRET"]
      @wall_cap = 500
      @read_cap = 30_000
      @lock_timeout = 50
      @max_shadows = 4
      @max_body = 8 << 20
    end

    def logger = @logger ||= defined?(Rails) && Rails.logger || Logger.new($stderr)

    # Hides the secret.
    def inspect = "#<QuackShadow::Config>"
  end
end
