# frozen_string_literal: true

require "pg"

module QuackShadow
  # The adapter is not where it has to be, or not set up.
  class Misplaced < StandardError; end

  # A shadow was asked for something that it does not send to the database. It
  # is a PG::Error, so that an application meets it as it meets any failure of a
  # statement: in ActiveRecord as StatementInvalid.
  class Refused < PG::Error
    HOW = {
      "concurrent-transactions" => "a second transaction was begun while one is open; a shadow has one session, so they can not be apart",
      "isolation" => "a shadow can not change the isolation level of its transaction",
      "too-many-statements" => "more writing statements outside a transaction than a shadow may have; each needs a subtransaction",
      "statement" => "a statement was not recognised, and what is not recognised is not sent",
      "syntax" => "a statement has a quote or comment without end",
      "other-database" => "a shadow has one session, in the database of ActiveRecord::Base"
    }.freeze

    attr_reader :reason

    def initialize(reason)
      @reason = reason
      super(text)
    end

    private

    def text
      kind, what = reason.split(":", 2)
      if kind == "escape"
        return "quack_shadow: #{what.upcase.tr('-', ' ')} is not sent inside a shadow request (#{reason})\n" \
               "  use transaction of ActiveRecord: it works in a shadow"
      end
      return "quack_shadow: #{HOW[what]} (#{reason})" if HOW.key?(what)

      "quack_shadow: #{what.tr('-', ' ')} is not available inside a shadow request (#{reason})\n" \
        "  the request can not be compared; see the limits in docs/writes.md"
    end
  end

  # The error of everything that uses a shadow's connection after its end: work
  # that a request has left running. It is never sent to the live database.
  class Over < PG::Error
    def initialize
      super("quack_shadow: the shadow request is over, its transaction rolled back\n" \
            "  work that goes on after a request should not be started by a shadow: see QuackShadow.active?")
    end
  end

  # The shadow's session has gone away.
  class Lost < PG::Error; end

  # There is no server to ask what became of a shadow, or it is not the one that
  # had its session: perhaps it has restarted. Met by nobody but us.
  class Unreachable < PG::Error; end

  # It does not help to ask again.
  class OtherServer < Unreachable; end
end
