# frozen_string_literal: true

module QuackShadow
  module SQL
    # What of an application's SQL is never sent, and under what name. The names
    # are those of docs/writes.md.
    module Refusals
      # The prefix of the savepoints that a shadow makes.
      OURS = "_ts_"

      GUARDS = %w[statement_timeout lock_timeout idle_in_transaction_session_timeout].freeze

      # Functions whose effects no ROLLBACK takes back, or that change what live
      # work gets while the shadow is open.
      OUTSIDE = {
        "setval" => "setval", "lo_export" => "lo_export",
        "pg_terminate_backend" => "pg_terminate_backend", "pg_cancel_backend" => "pg_cancel_backend",
        "pg_reload_conf" => "pg_reload_conf", "pg_rotate_logfile" => "pg_rotate_logfile", "pg_switch_wal" => "pg_switch_wal",
        "pg_create_restore_point" => "pg_create_restore_point", "pg_promote" => "pg_promote",
        "pg_logical_emit_message" => "pg_logical_emit_message", "pg_file_write" => "pg_file_write",
        "pg_create_logical_replication_slot" => "replication-slot", "pg_create_physical_replication_slot" => "replication-slot",
        "pg_drop_replication_slot" => "replication-slot", "pg_replication_slot_advance" => "replication-slot",
        "pg_logical_slot_get_changes" => "replication-slot", "pg_logical_slot_get_binary_changes" => "replication-slot",
        "pg_stat_reset" => "pg_stat_reset", "pg_export_snapshot" => "snapshot"
      }.freeze
      ADVISORY = /\Apg_(?:try_)?advisory_(?:xact_)?(?:un)?lock(?:_shared|_all)?\z/.freeze

      PROTECTED = %w[default_transaction_read_only session_replication_role client_encoding].freeze
      ISOLATION = %w[transaction_isolation default_transaction_isolation].freeze

      module_function

      # Why a setting is not touched, nil when it may be: it holds the layers up,
      # or a transaction that is open can not be given it.
      def setting(name)
        name = name.downcase
        return "unsupported:#{name}" if PROTECTED.include?(name)
        return "unsupported:isolation" if ISOLATION.include?(name)
        return "unsupported:setting-name" if name.empty?
        return "unsupported:txshadow" if name.start_with?("txshadow")

        nil
      end

      # Judges a text that may be the first argument of set_config.
      def setting_text(text)
        return if text.empty? || text.bytesize > 63

        GUARDS.include?(text.downcase) ? "unsupported:setting" : setting(text)
      end

      # Calls of functions that act outside the transaction, and whatever names
      # our own schema.
      def beyond_reach(phrase)
        return "unsupported:txshadow" if phrase.names?("txshadow")
        return "unsupported:unicode-identifier" if phrase.tokens.any? { |t| t.kind == :unicode }
        # An UPDATE of that view is a set_config.
        return "unsupported:pg_settings" if phrase.names?("pg_settings") && phrase.any?("update", "merge")
        return "unsupported:skip-locked" if phrase.has?("skip", "locked")

        phrase.calls.each do |f|
          why = call(f.downcase, phrase)
          return why if why
        end
        nil
      end

      def call(function, phrase)
        return "unsupported:advisory-lock" if ADVISORY.match?(function)
        return "unsupported:#{OUTSIDE[function]}" if OUTSIDE.key?(function)
        return "unsupported:dblink" if function.start_with?("dblink")
        return unless function == "set_config"

        phrase.tokens.each do |t|
          why = t.kind == :string && setting_text(t.text)
          return why if why
        end
        nil
      end

      # What a transaction block refuses anyway, and what leaves the database.
      def utility(phrase, verb)
        kind = phrase.word(1)
        return copy(phrase) if verb == "copy"
        return "unsupported:#{verb}-#{kind}" if %w[create drop].include?(verb) && %w[database tablespace subscription].include?(kind)
        return "unsupported:alter-system" if verb == "alter" && kind == "system"
        return "unsupported:concurrently" if phrase.any?("concurrently")

        "unsupported:#{verb}" if %w[reindex cluster].include?(verb) # a READ ONLY transaction lets them through
      end

      def copy(phrase)
        return "unsupported:copy-program" if phrase.any?("program")

        to_file = phrase.tokens.each_index.any? { |i| phrase.word(i) == "to" && phrase.tokens[i + 1]&.kind == :string }
        "unsupported:copy-file" if to_file
      end

      # What takes a lock on tables, or on what belongs to them, for which live
      # work would wait. A READ ONLY transaction refuses it by itself.
      def blocks(phrase, verb)
        return "unsupported:#{verb}" if %w[truncate alter drop refresh reassign].include?(verb)

        creates(phrase) if verb == "create"
      end

      # To make what belongs to an existing table. What is temporary is the
      # shadow's own.
      def creates(phrase)
        replaces = phrase.has?("create", "or", "replace")
        at = replaces ? 3 : 1
        at += 1 while %w[global local unique constraint unlogged].include?(phrase.word(at))
        case kind = phrase.word(at)
        when "index", "trigger", "rule", "policy", "statistics", "publication", "event" then "unsupported:create-#{kind}"
        when "table", "foreign" then "unsupported:create-table" if phrase.any?("references", "partition", "inherits")
        when "view", "recursive" then "unsupported:create-view" if replaces
        when "schema" then "unsupported:create-schema" if Phrase.new(phrase.tokens.drop(1)).any?("create")
        end
      end
    end
  end
end
