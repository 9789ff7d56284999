# frozen_string_literal: true

module QuackShadow
  # A transaction of a shadow: what should run after its commit is recorded, and
  # not run.
  module QuietCommit
    # Makes every transaction of a manager such a one.
    module Manager
      def begin_transaction(**options) = super.extend(QuietCommit)
    end

    def commit_records
      # A transaction that is part of another hands its records on.
      return super unless @run_commit_callbacks

      effects = connection.pool.quack_effects
      (records || []).uniq(&:__id__).each do |record|
        effects.record("callback", QuietCommit.due(record)) if record.trigger_transactional_callbacks?
        record.committed!(should_run_callbacks: false)
      end
      effects.record("callback", Array(@callbacks).size) # of Rails 7.2: transaction.after_commit { }
    end

    # How many after_commit callbacks of the record would have run.
    def self.due(record)
      record._commit_callbacks.count do |callback|
        conditions(callback, :@if).all? { |c| holds?(record, c) } && conditions(callback, :@unless).none? { |c| holds?(record, c) }
      end
    end

    def self.conditions(callback, name) = Array(callback.instance_variable_get(name))

    # Conditions of other kinds count as fulfilled.
    def self.holds?(record, condition)
      case condition
      when Symbol then record.send(condition)
      when Proc then condition.arity.abs > 1 || record.instance_exec(*[record].first(condition.arity.abs), &condition)
      else true
      end
    end
  end
end
