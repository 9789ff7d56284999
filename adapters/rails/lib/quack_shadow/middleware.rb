# frozen_string_literal: true

require "digest"
require "stringio"

module QuackShadow
  # Runs shadow requests so that they leave nothing behind, and passes all others
  # on. It has to be the outermost: what is outside of it runs live. A request
  # with a Quack-Shadow that does not verify is refused with 403; one that writes
  # and was caused by a shadow, with 409.
  class Middleware
    SAFE = %w[GET HEAD OPTIONS TRACE].freeze

    # That a shadow has come by here, for those who look further in.
    SEEN = "quack_shadow.seen"

    def initialize(app, adapter = nil)
      @app = app
      @adapter = adapter
      @lock = Mutex.new
    end

    def call(env)
      sweep
      return hello(env) if env["PATH_INFO"] == Hello::PATH
      return shadowed(env) if env["HTTP_QUACK_SHADOW"]

      ordinary(env)
    end

    private

    def sweep
      adapter.sweeper.start
    rescue ArgumentError # there is no secret: live requests are served all the same
      nil
    end

    def adapter = @adapter || QuackShadow.adapter
    def prover = @lock.synchronize { @prover ||= Hello.new(adapter) }

    def ordinary(env)
      return @app.call(env) if Scope.current&.shadow # an application that calls another

      if env["HTTP_BAGGAGE"] && !SAFE.include?(env["REQUEST_METHOD"]) && adapter.codec.nested(env["HTTP_BAGGAGE"])
        adapter.log(:warn, "refused a write that a shadow request has caused (#{env['HTTP_QUACK_REQUEST_ID']})")
        return Answer.plain(409, "quack_shadow: a shadow request must not cause a live write").response
      end
      Scope.with(Scope.new(env, nil, (adapter.codec if env["HTTP_QUACK_CONTEXT"]))) { @app.call(env) }
    end

    def shadowed(env)
      marked, body = verified(env)
      raise Forbidden, "mode=hello is answered at #{Hello::PATH} only" if marked.mode == "hello"

      raise Forbidden, "mode=prepare is not offered here" if marked.prepare? && !prover.prepares?

      outermost!
      return unkept(marked) unless body

      env = env.merge("rack.input" => StringIO.new(body), SEEN => true)
      adapter.run(@app, env, marked)
    rescue Forbidden => e
      forbid(env, e)
    rescue Misplaced => e
      adapter.log(:error, e.message)
      Answer.plain(500, "quack_shadow: #{e.message}").response
    end

    def hello(env)
      return Answer.plain(404, "not found").response unless env["HTTP_QUACK_SHADOW"]

      marked, = verified(env)
      unless marked.mode == "hello" && env["REQUEST_METHOD"] == "GET"
        raise Forbidden, "#{env['REQUEST_METHOD']} #{Hello::PATH} with mode #{marked.mode.inspect}"
      end

      ready(marked)
    rescue Forbidden => e
      forbid(env, e)
    end

    def ready(marked)
      outermost!
      reason = prover.prove
      [204, { "Quack-Shadow-Result" => adapter.codec.result(marked.id, "ready", reason) }, []]
    rescue StandardError => e
      adapter.log(:error, "this service can not roll shadow writes back: #{Hello.advice(e)}")
      Answer.plain(503, "quack_shadow: not ready: #{Hello.advice(e)}").response
    end

    # What the request says, and its body; nil when that is too long to keep.
    def verified(env)
      marked = Marked.read(env["HTTP_QUACK_SHADOW"])
      body, digest = read(env["rack.input"], adapter.config.max_body)
      target = "#{env['SCRIPT_NAME']}#{env['PATH_INFO']}"
      target += "?#{env['QUERY_STRING']}" unless env["QUERY_STRING"].to_s.empty?
      marked.verify(adapter.codec, env["REQUEST_METHOD"], target, digest)
      [marked, body]
    end

    def read(input, limit)
      kept = +"".b
      sum = Digest::SHA256.new
      while (part = input&.read(64 << 10))
        sum << part
        kept << part if kept.bytesize <= limit
      end
      [(kept if kept.bytesize <= limit), sum.hexdigest]
    end

    # A thread that comes here with a connection has used it: what stands outside
    # of us has sent something, and that was live.
    def outermost!
      return unless defined?(ActiveRecord::Base) && ActiveRecord::Base.connection_handler.active_connections?

      raise Misplaced, "a query ran before QuackShadow::Middleware in this request, and it was live\n" \
                       "  put the middleware outside of whatever uses the database: insert_before 0, QuackShadow::Middleware"
    end

    def unkept(marked)
      result = adapter.codec.result(marked.id, "rolled-back", "unsupported:body-size")
      Answer.plain(503, "quack_shadow: nothing to compare: unsupported:body-size").response("Quack-Shadow-Result" => result)
    end

    def forbid(env, error)
      adapter.log(:warn, "refused a shadow request (#{env['REQUEST_METHOD']} from #{env['REMOTE_ADDR']}): #{error.message}")
      Answer.plain(403, "quack_shadow: refused: #{error.message}").response
    end
  end
end
