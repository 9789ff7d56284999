# frozen_string_literal: true

module QuackShadow
  module SQL
    # Judges the statements that steer transactions and sessions. It keeps in the
    # statement what has to be known of one that may be sent.
    class Control
      def initialize(phrase, statement)
        @p = phrase
        @statement = statement
      end

      # Why the statement is not sent, nil when it may be.
      def refusal
        case verb = @statement.verb
        when "commit", "rollback" then ending(verb)
        when "end", "abort", "begin" then "escape:#{verb}"
        when "start" then "escape:start-transaction"
        when "prepare" then "escape:prepare-transaction" if @p.word(1) == "transaction"
        when "savepoint", "release" then savepoint(verb)
        when "set" then set
        when "reset" then reset
        when "deallocate" then deallocate
        when "discard", "listen", "vacuum", "checkpoint", "load", "lock" then "unsupported:#{verb}"
        when "copy", "create", "drop", "alter", "reindex", "cluster" then Refusals.utility(@p, verb)
        end
      end

      private

      def ending(verb)
        return "escape:#{verb}-prepared" if @p.word(1) == "prepared"

        at = verb == "rollback" ? rollback_to : nil
        return "escape:#{verb}" unless at

        @statement.savepoint = true
        savepoint_name(at)
      end

      # Where the savepoint's name stands in ROLLBACK [WORK | TRANSACTION] TO
      # [SAVEPOINT] name, nil when this is another ROLLBACK.
      def rollback_to
        at = %w[work transaction].include?(@p.word(1)) ? 2 : 1
        return unless @p.word(at) == "to"

        at += 1 if @p.word(at + 1) == "savepoint" && at + 2 < @p.size
        at + 1
      end

      def savepoint(verb)
        @statement.savepoint = true
        named = verb == "release" && @p.word(1) == "savepoint" && @p.size > 2
        savepoint_name(named ? 2 : 1)
      end

      def savepoint_name(at)
        name = @p.name(at)
        return "unsupported:savepoint-name" if name.empty?

        "escape:savepoint" if name.start_with?(Refusals::OURS)
      end

      def deallocate
        at = @p.word(1) == "prepare" && @p.size > 2 ? 2 : 1
        "unsupported:deallocate" if @p.word(at) == "all" || @p.name(at).start_with?(Refusals::OURS)
      end

      def reset
        return if guard(@p.name(1), nil)
        return "unsupported:reset-all" if @p.word(1) == "all"

        Refusals.setting(@p.name(1))
      end

      def set
        at = %w[local session].include?(@p.word(1)) ? 2 : 1
        case @p.word(at)
        when "characteristics" then return "unsupported:session-characteristics"
        when "authorization" then return
        when "transaction" then return set_transaction
        when "constraints" then return set_constraints(at)
        when "names" then return "unsupported:client_encoding"
        end
        return if guard(@p.name(at), limit(at + 1))

        @statement.writable = @p.name(at) == "transaction_read_only"
        Refusals.setting(@p.name(at))
      end

      def set_transaction
        @statement.writable = @p.has?("read", "write")
        return "unsupported:isolation" if @p.any?("isolation")

        "unsupported:snapshot" if @p.any?("snapshot")
      end

      def set_constraints(at)
        immediate = @p.word(@p.size - 1) == "immediate"
        @statement.all_immediate = immediate && @p.word(at + 1) == "all"
        "unsupported:fuse" if immediate && !@statement.all_immediate && @p.names?("fuse")
      end

      # Keeps in mind that a setting is set by which the server protects others.
      def guard(name, to)
        return false unless Refusals::GUARDS.include?(name.downcase)

        @statement.guard = name.downcase
        @statement.guard_to = to
        true
      end

      UNITS = { "" => 1, "us" => 0.001, "ms" => 1, "s" => 1000, "min" => 60_000, "h" => 3_600_000, "d" => 86_400_000 }.freeze

      # What a SET makes of a guard, in ms; nil when that is not a plain number,
      # with a unit or without.
      def limit(at)
        return unless at + 2 == @p.size && (@p.text(at) == "=" || @p.word(at) == "to")

        value = @p.tokens[at + 1]
        return unless %i[number string].include?(value.kind)

        digits, unit = value.text.strip.match(/\A(\d{1,9})\s*(us|ms|s|min|h|d|)\z/)&.captures
        digits && digits.to_i * UNITS[unit]
      end
    end
  end
end
