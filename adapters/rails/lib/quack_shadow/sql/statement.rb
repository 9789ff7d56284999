# frozen_string_literal: true

require_relative "lexer"
require_relative "phrase"
require_relative "refusals"
require_relative "control"

module QuackShadow
  module SQL
    # One statement of the application's SQL, and what a shadow has to know of it
    # before it is sent.
    #
    #   refusal       why it is not sent: "escape:VERB" for what would end the
    #                 transaction, "unsupported:WHAT" for what a shadow can not give
    #                 or could not take back; nil when it may be sent
    #   blocks        why a shadow that may write does not send it
    #   guard         a time limit that it sets, guard_to in ms (nil: not plain)
    #   savepoint     SAVEPOINT, RELEASE, ROLLBACK TO: only in a transaction
    #   all_immediate SET CONSTRAINTS ALL IMMEDIATE, which would fire the fuse
    #   writable      SET TRANSACTION READ WRITE and its like
    #   executes      the name of a prepared statement, of EXECUTE
    #   uncounted     has effects that the server's row counts get wrong
    #   leak          what outlives the application's COMMIT here and would not
    #                 otherwise, because that COMMIT is only a RELEASE
    Statement = Struct.new(:from, :to, :verb, :table, :refusal, :blocks, :guard, :guard_to, :savepoint, :all_immediate,
                           :writable, :sets_config, :executes, :writes, :uncounted, :leak)

    # The first keywords that may be sent. What is not here is refused.
    KNOWN = %w[
      select insert update delete merge with values table copy create alter drop truncate
      comment grant revoke set reset show explain analyze call do declare fetch move close prepare execute deallocate
      lock notify unlisten refresh reindex cluster security import reassign savepoint release rollback
    ].to_h { |w| [w, true] }.freeze

    # Settings that change no answer, whoever they outlive.
    BOUNDS = (Refusals::GUARDS + %w[transaction_timeout synchronous_commit work_mem application_name]).freeze

    module_function

    # The statements of sql; empty ones are left out. What has no end, or begins
    # with no keyword that is known, is refused.
    def split(sql, backslash: false)
      lexer = Lexer.new(sql, backslash: backslash)
      all = []
      tokens = []
      loop do
        token = lexer.next
        next tokens << token if token && token.kind != :semicolon

        unless tokens.empty?
          all << classify(tokens)
          return all if all.last.refusal == "unsupported:begin-atomic"
          tokens = []
        end
        return all unless token
      end
    rescue Unterminated
      all << Statement.new(lexer.position, sql.bytesize, "?", "", "unsupported:syntax")
    end

    def classify(tokens)
      s = Statement.new(tokens.first.from, tokens.last.to)
      tokens = tokens.drop(1) while tokens.size > 1 && tokens[0].kind == :other && tokens[0].text == "("
      phrase = Phrase.new(tokens)
      s.verb = phrase.word(0)
      s.table = phrase.target(s.verb)
      s.refusal = refusal(phrase, s)
      s.blocks = Refusals.blocks(phrase, s.verb)
      s.writes = phrase.may_write?(s.verb)
      s.leak = leak(phrase, s.verb)
      s.sets_config = phrase.calls.include?("set_config")
      s.executes = phrase.name(1) if s.verb == "execute"
      s.uncounted = s.verb == "rollback"
      s
    end

    def refusal(phrase, statement)
      # Its body has semicolons and an END of its own.
      return "unsupported:begin-atomic" if phrase.has?("begin", "atomic")

      why = Control.new(phrase, statement).refusal
      why ||= "unsupported:statement" unless KNOWN[statement.verb]
      why || Refusals.beyond_reach(phrase)
    end

    # What a statement leaves behind that COMMIT would have ended, nil when
    # nothing.
    def leak(phrase, verb)
      if verb == "set" && phrase.word(1) == "local" then "set-local" unless BOUNDS.include?(phrase.name(2))
      elsif verb == "set" && phrase.word(1) == "constraints" then "set-constraints"
      elsif verb == "declare" && !phrase.has?("with", "hold") then "cursor"
      elsif verb == "create" && (phrase.has?("on", "commit", "drop") || phrase.has?("on", "commit", "delete")) then "on-commit"
      elsif sets_locally?(phrase) then "set-local"
      end
    end

    # Whether set_config is called for the transaction, or does not show that it
    # is for the session.
    def sets_locally?(phrase)
      phrase.tokens.each_index.any? do |i|
        next unless phrase.name(i).downcase == "set_config" && phrase.punctuation?(i + 1, "(")

        close = closing(phrase, i + 1)
        close && (phrase.word(close - 1) != "false" || !phrase.punctuation?(close - 2, ","))
      end
    end

    def closing(phrase, open)
      depth = 0
      (open...phrase.size).each do |i|
        depth += 1 if phrase.punctuation?(i, "(")
        depth -= 1 if phrase.punctuation?(i, ")")
        return i if depth.zero?
      end
      nil
    end
  end
end
