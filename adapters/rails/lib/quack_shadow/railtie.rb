# frozen_string_literal: true

require "rails/railtie"

module QuackShadow
  # Puts the middleware outermost, and says so at the start when it is not.
  class Railtie < ::Rails::Railtie
    config.quack_shadow = QuackShadow.config

    initializer "quack_shadow.middleware" do |app|
      app.middleware.insert_before(0, QuackShadow::Middleware)
    end

    initializer "quack_shadow.effects" do
      ActiveSupport.on_load(:active_job) { singleton_class.prepend(Jobs::Queue) }
      ActiveSupport.on_load(:action_mailer) do
        register_interceptor(Mail::Interceptor)
        ActionMailer::MessageDelivery.prepend(Mail::Delivery)
      end
    end

    # A shadow that has come round the middleware would be live.
    initializer "quack_shadow.seen" do
      ActiveSupport::Notifications.subscribe("start_processing.action_controller", Seen)
    end

    config.after_initialize do |app|
      unless app.middleware.first == QuackShadow::Middleware
        raise Misplaced, "#{app.middleware.first.inspect} stands outside of QuackShadow::Middleware, and what it does in a shadow is live\n" \
                         "  insert it after: config.middleware.insert_after QuackShadow::Middleware, …"
      end
      QuackShadow.adapter # what is wrong with its configuration is wrong now
    end

    # Of ActiveSupport::Notifications.
    module Seen
      def self.start(_name, _id, payload)
        env = payload[:headers]&.env or return
        return if !env["HTTP_QUACK_SHADOW"] || env[Middleware::SEEN]

        raise Misplaced, "a shadow request has reached a controller without QuackShadow::Middleware"
      end

      def self.finish(*) = nil
    end
  end
end
