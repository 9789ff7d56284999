# frozen_string_literal: true

require "time"

module QuackShadow
  # What a thread knows of the request that it works for. It stands in a thread
  # variable, so that fibers see it, and goes on to threads that a shadow starts.
  class Scope
    KEY = :quack_shadow

    attr_reader :shadow

    def self.current = Thread.current.thread_variable_get(KEY)

    # Runs the block with this scope on the thread.
    def self.with(scope)
      thread = Thread.current
      before = thread.thread_variable_get(KEY)
      thread.thread_variable_set(KEY, scope)
      yield
    ensure
      thread.thread_variable_set(KEY, before)
    end

    def initialize(env, shadow = nil, codec = nil)
      @env = env
      @shadow = shadow
      @codec = codec
    end

    def request_id
      id = @env["HTTP_QUACK_REQUEST_ID"].to_s
      id if Codec::ID.match?(id)
    end

    # The request's instant, nil when there is no Quack-Context that verifies.
    def time = context && Time.iso8601(context["time"])

    def read_only? = context ? context["readonly"] == "1" : @env["HTTP_QUACK_READ_ONLY"] == "1"

    # What a call to a service of one's own should carry on.
    def outgoing
      kept = { "Quack-Request-Id" => request_id, "Quack-Context" => @env["HTTP_QUACK_CONTEXT"], "traceparent" => @env["HTTP_TRACEPARENT"] }.compact
      mark = shadow ? @codec.nested_mark(shadow.id) : @codec&.nested(@env["HTTP_BAGGAGE"])
      mark ? kept.merge("baggage" => "#{Codec::MEMBER}=#{mark}") : kept
    end

    private

    def context
      return @context if defined?(@context)

      @context = read_context
    end

    def read_context
      return unless @codec && request_id && @env["HTTP_QUACK_CONTEXT"]

      f = Codec.fields(@env["HTTP_QUACK_CONTEXT"], "role", "time", "readonly", "sig")
      f if @codec.signed?(f["sig"], "quack-context-v1", request_id, f["role"], f["time"], f["readonly"])
    rescue Forbidden
      nil
    end
  end
end
