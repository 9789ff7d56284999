# frozen_string_literal: true

module QuackShadow
  # Threads that a shadow starts belong to it, and so does what it hands to the
  # thread pools of concurrent-ruby. The threads of such a pool do not: they
  # outlive the request.
  module Inherited
    module_function

    # Runs the block as part of the request.
    def with(scope)
      Scope.with(scope) do
        shadow = scope&.shadow
        return yield unless shadow && defined?(ActiveRecord::Base)

        before = ActiveRecord::Base.connection_handler
        begin
          ActiveRecord::Base.connection_handler = Handler.new(ActiveRecord::Base.default_connection_handler, shadow)
          yield
        ensure
          ActiveRecord::Base.connection_handler = before
        end
      end
    end

    # The block, as part of the request that the thread works for.
    def wrap(block)
      scope = Scope.current
      scope&.shadow && block ? ->(*args) { Inherited.with(scope) { block.call(*args) } } : block
    end

    # Thread.new, for its subclasses too.
    module Threads
      def initialize(*args, &block) = super(*args, &Inherited.wrap(block))
    end

    # Thread.start and fork of Thread, which call no initialize.
    module Starts
      def start(*args, &block) = super(*args, &Inherited.wrap(block))
      alias fork start
    end

    # Concurrent::RubyExecutorService#post.
    module Posts
      def post(*args, &task)
        wrapped = Inherited.wrap(task)
        return super unless task && !wrapped.equal?(task)

        Scope.with(nil) { super(*args, &wrapped) }
      end
    end

    def install
      Thread.prepend(Threads)
      Thread.singleton_class.prepend(Starts)
      return unless defined?(Concurrent)

      require "concurrent/executor/ruby_executor_service"
      Concurrent::RubyExecutorService.prepend(Posts)
    end
  end
end
