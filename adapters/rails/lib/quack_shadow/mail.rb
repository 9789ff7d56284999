# frozen_string_literal: true

module QuackShadow
  # Mail of a shadow: rendered, recorded, and not delivered.
  module Mail
    # A delivery method that keeps to itself.
    class Nowhere
      def initialize(settings) = @name = settings[:name]
      def settings = { name: @name }
      def deliver!(_mail) = Scope.current&.shadow&.effects&.record("mail:#{@name}")
    end

    # Of the mail gem: called before each delivery.
    module Interceptor
      def self.delivering_email(mail)
        return unless QuackShadow.active? && !mail.delivery_method.is_a?(Nowhere)

        mail.delivery_method(Nowhere, name: mail.delivery_handler.respond_to?(:name) ? mail.delivery_handler.name : "Mail")
      end
    end

    # Of ActionMailer::MessageDelivery, which knows the action.
    module Delivery
      def deliver_now = quack_nowhere && super
      def deliver_now! = quack_nowhere && super

      private

      def quack_nowhere
        message.delivery_method(Nowhere, name: "#{@mailer_class.name}.#{@action}") if QuackShadow.active?
        true
      end
    end
  end
end
