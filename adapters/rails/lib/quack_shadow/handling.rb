# frozen_string_literal: true

module QuackShadow
  # An application that runs for a shadow, on a thread of its own: at the budget
  # it is not waited for.
  class Handling
    # after is called when the application has come to its end, however late.
    def initialize(adapter, shadow, app, env, after)
      @adapter = adapter
      @shadow = shadow
      @adapter.sentry.watch(shadow)
      @thread = Thread.new { serve(app, env, after) }
      @thread.report_on_exception = false
    end

    # Whether it has come to its end, within patience in seconds.
    def wait(patience) = !@thread.join([patience, 0].max).nil?

    # What it has answered, nil when it has not yet.
    def answer = @thread.alive? ? nil : @answer

    private

    def serve(app, env, after)
      scope = Scope.new(env, @shadow, @adapter.codec)
      env = env.merge("rack.after_reply" => [], "rack.response_finished" => [], "rack.hijack?" => false, "rack.hijack" => method(:hijack))
      Inherited.with(scope) do
        @answer = Answer.collect(app.call(env), @adapter.config.max_body, @shadow.method(:note))
      end
    rescue Exception => e # rubocop:disable Lint/RescueException
      @adapter.log(:error, "the application failed in shadow request #{@shadow.id}: #{e.class}: #{e.message}\n  #{e.backtrace&.first(8)&.join("\n  ")}")
      @answer = Answer.plain(500, "Internal Server Error")
    ensure
      @adapter.sentry.leave(@shadow)
      after.call
    end

    def hijack
      @shadow.refuse!("unsupported:hijack")
    end
  end
end
