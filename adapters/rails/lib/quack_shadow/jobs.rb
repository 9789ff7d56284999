# frozen_string_literal: true

module QuackShadow
  # Jobs of a shadow: recorded and not enqueued.
  module Jobs
    # A queue adapter of ActiveJob.
    module Recorder
      module_function

      def enqueue(job) = Scope.current.shadow.effects.record(name(job))
      def enqueue_at(job, _time) = enqueue(job)
      def enqueue_all(jobs) = jobs.each { |j| enqueue(j); j.successfully_enqueued = true }.size
      def enqueue_after_transaction_commit? = false

      # A mail that is to be sent by a job is a mail.
      def name(job)
        return "job:#{job.class.name}" unless job.class.name.match?(/\AActionMailer::.*DeliveryJob\z/)

        "mail:#{job.arguments[0]}.#{job.arguments[1]}"
      end
    end

    # Of the class: all ways of enqueuing ask it.
    module Queue
      def queue_adapter = QuackShadow.active? ? Recorder : super
    end
  end
end
