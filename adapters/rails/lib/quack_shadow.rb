# frozen_string_literal: true

require "active_record"

# Runs the shadow requests of Quack in a Rails application so that they leave
# nothing behind: a request is run for real, in a transaction that can not
# commit, on a session of its own, and what it would have written is counted.
# docs/rails.md says how to set it up. Live requests pass through untouched.
module QuackShadow
  class << self
    def config = @config ||= Config.new
    def configure = yield(config)

    # What runs shadows in this process.
    def adapter = @adapter ||= Adapter.new(config)

    # Whether this thread works for a shadow request: its writes will be rolled
    # back, so calls to others should be left out.
    def active? = !Scope.current&.shadow.nil?

    # The instant of the request as Quack saw it, the same in the live call and
    # in its shadow; the clock's time when Quack has not said so.
    def now = Scope.current&.time || Time.now

    # Whether the request passed through a closed gate, and should write nothing.
    def read_only? = Scope.current&.read_only? || false

    # The request's id, the same in the live call and in its shadow.
    def request_id = Scope.current&.request_id

    # Headers for calls to services of one's own: by them Quack and other
    # adapters refuse a write that a shadow has caused.
    def outgoing_headers = Scope.current&.outgoing || {}

    # Records what a shadow would have done, in place of doing it: "http:POST
    # api.example.com". Returns whether this is a shadow.
    def record(effect) = active? && Scope.current.shadow.effects.record(effect) && true

    # Seconds of a clock that only goes on.
    def clock = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end

%w[errors secrets codec marked footprint effects scope config sql/statement ledger elsewhere session prepared sweeper shadow pool
   pinned_adapter sessions answer inherited handling sentry hello adapter middleware jobs mail].each { |f| require_relative "quack_shadow/#{f}" }

QuackShadow::Inherited.install
require_relative "quack_shadow/railtie" if defined?(Rails::Railtie)
