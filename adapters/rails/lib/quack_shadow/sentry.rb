# frozen_string_literal: true

require "set"

module QuackShadow
  # Looks, while a shadow runs and only then, at each statement that is about to
  # be sent by ActiveRecord in this process. One of a shadow on another
  # connection than its own is refused. One that may write and belongs to no
  # request is live, and can not be told from work that a shadow has handed on:
  # the shadows under way are not compared.
  class Sentry
    EVENT = "sql.active_record"

    def initialize(adapter)
      @adapter = adapter
      @lock = Mutex.new
      @shadows = {}
      @sites = Set.new
    end

    def watch(shadow)
      @lock.synchronize do
        @shadows[shadow] = true
        @subscription ||= ActiveSupport::Notifications.subscribe(EVENT, self)
      end
    end

    def leave(shadow)
      @lock.synchronize do
        @shadows.delete(shadow)
        next unless @shadows.empty?

        ActiveSupport::Notifications.unsubscribe(@subscription)
        @subscription = nil
      end
    end

    def watching? = !@subscription.nil?

    # Of ActiveSupport::Notifications.
    def start(_name, _id, payload)
      scope = Scope.current
      return foreign(payload) unless scope
      return unless scope.shadow

      # Rails may cache the result of a statement, and says so.
      return if payload[:connection].is_a?(PinnedAdapter) || payload[:cached]

      scope.shadow.refuse!("unsupported:other-connection")
    end

    def finish(*) = nil

    private

    def foreign(payload)
      return if payload[:connection].is_a?(PinnedAdapter) || %w[SCHEMA TRANSACTION].include?(payload[:name])
      return unless SQL.split(payload[:sql].to_s).any? { |s| s.writes || s.refusal }

      @lock.synchronize { @shadows.each_key { |s| s.note("unsupported:foreign-context") } }
      tell(caller.find { |l| !l.include?("/active") && !l.include?(__dir__) })
    end

    def tell(site)
      return unless @lock.synchronize { @sites.add?(site) }

      @adapter.log(:warn, "a statement that may write belongs to no request, while a shadow request runs: " \
                        "it is live, and the shadow is not compared (at #{site})")
    end
  end
end
