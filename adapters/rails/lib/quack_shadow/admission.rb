# frozen_string_literal: true

module QuackShadow
  # Judges the application's SQL before it is sent.
  module Admission
    private

    # The statements of sql, and the SQL to send for it.
    def admit(sql, parameters)
      sql = sql.to_s
      statements = SQL.split(sql, backslash: @session.connection.parameter_status("standard_conforming_strings") == "off")
      note("unsupported:#{@leaked}") if @leaked && statements.any?
      statements.each { |s| judge(s, parameters) }
      refuse!("unsupported:client_encoding") unless %w[UTF8 SQL_ASCII].include?(@session.connection.parameter_status("client_encoding"))
      [statements, adapted(sql, statements)]
    end

    # Refuses a statement, or keeps in mind what it leaves behind.
    def judge(statement, parameters)
      against = statement.refusal || (statement.blocks unless readonly?)
      refuse!(against) if against
      refuse!("unsupported:savepoint-outside-transaction") if statement.savepoint && @transactions.empty?
      refuse!("unsupported:read-write") if statement.writable && readonly?
      judge_prepared(statement.executes) if statement.executes
      judge_settings(parameters) if statement.sets_config && parameters
      @books.lost = true if statement.uncounted
      keep_leak(statement.leak) if statement.leak
    end

    # A statement that was prepared by the protocol and would be refused itself.
    def judge_prepared(name)
      @prepared.fetch(name, []).each { |s| refuse!(s.refusal) if s.refusal }
      refuse!("unsupported:txshadow") if name.start_with?(SQL::Refusals::OURS)
    end

    def judge_settings(parameters)
      Array(parameters).each do |p|
        text = p.is_a?(Hash) ? p[:value] : p
        why = text.is_a?(String) && SQL::Refusals.setting_text(text)
        refuse!(why) if why
      end
    end

    def keep_leak(leak)
      @transactions.empty? ? @leaked = leak : @transactions.last.leak = leak
    end

    # sql with what would weaken a shadow replaced: SET CONSTRAINTS ALL IMMEDIATE
    # by one that names all constraints but the fuse, and the settings that
    # protect others by those of the shadow.
    def adapted(sql, statements)
      replaced = statements.reverse.filter_map { |s| (text = instead(s)) && [s.from...s.to, text] }
      return sql if replaced.empty?

      bytes = sql.b
      replaced.each { |range, text| bytes[range] = text }
      bytes.force_encoding(sql.encoding)
    end

    def instead(statement)
      return guarded(statement) if statement.guard
      return unless statement.all_immediate && !readonly?

      all, = deferrable
      all ? "SET CONSTRAINTS #{all} IMMEDIATE" : "SET CONSTRAINTS ALL DEFERRED"
    end

    # Nothing else when it only lowers the guard, else the guard as it is.
    def guarded(statement)
      ours = statement.guard == "lock_timeout" ? @session.lock_timeout : @session.limit
      return if statement.guard_to && statement.guard_to >= 1 && statement.guard_to < ours

      "SET LOCAL #{statement.guard} = #{ours}"
    end
  end
end
