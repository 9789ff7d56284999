# frozen_string_literal: true

require "strscan"

module QuackShadow
  module SQL
    # A token: kind is :word (an unquoted identifier or keyword, in lower case),
    # :quoted ("an identifier", without its quotes), :unicode (U&"…", whose name
    # is not known), :string (a constant of any kind of quotes, escapes left in),
    # :param ($1), :number, :semicolon, or :other (one byte of anything else).
    # from and to are bytes in the SQL.
    Token = Struct.new(:kind, :text, :from, :to)

    # A quote or a comment without end.
    class Unterminated < StandardError; end

    # Cuts SQL into tokens as PostgreSQL's scan.l does, in what matters for
    # finding the ends of statements: quotes, escape strings, their continuation
    # on a new line, dollar quotes, and comments that nest.
    class Lexer
      SPACE = /[ \t-\r]+/n
      LINE_COMMENT = /--[^\r\n]*/n
      WORD = /[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*/n
      NUMBER = /(?:\d|\.(?=\d))[\d.]*(?:[eE][+-]?\d+)?/n
      DOLLAR = /\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/n
      CONTINUATION = /(?>(?:[ \t-\r]|--[^\r\n]*+)*)'/n

      # What stands up to the end of a string, its quote included.
      PLAIN = /(?>(?:[^']++|'')*)'/mn
      ESCAPED = /(?>(?:[^'\\]++|''|\\.)*)'/mn
      BITS = /[^']*'/mn
      IDENTIFIER = /(?>(?:[^"]++|"")*)"/mn

      attr_reader :position

      # backslash says that a backslash escapes in ordinary strings as well
      # (standard_conforming_strings = off).
      def initialize(sql, backslash: false)
        @in = StringScanner.new(sql.b)
        @plain = backslash ? ESCAPED : PLAIN
        @position = 0
      end

      # The next token, nil at the end. Raises Unterminated.
      def next
        skip_space
        @position = @in.pos
        return if @in.eos?

        kind, text = scan
        Token.new(kind, text, @position, @in.pos)
      end

      private

      def skip_space
        until @in.eos?
          if @in.match?(%r{/\*}n) then skip_comment
          elsif !@in.skip(SPACE) && !@in.skip(LINE_COMMENT) then return
          end
        end
      end

      def skip_comment
        depth = 0
        loop do
          @in.skip_until(%r{/\*|\*/}n) or raise Unterminated
          depth += @in.matched == "/*" ? 1 : -1
          return if depth.zero?
        end
      end

      def scan
        if @in.skip(/'/n) then [:string, string(@plain)]
        elsif @in.skip(/"/n) then [:quoted, identifier]
        elsif @in.skip(/[eE]'/n) then [:string, string(ESCAPED)]
        elsif @in.skip(/[bBxX]'/n) then [:string, string(BITS)]
        elsif @in.skip(/[uU]&'/n) then [:string, string(PLAIN)]
        elsif @in.skip(/[uU]&"/n) then [:unicode, identifier]
        elsif (text = @in.scan(WORD)) then [:word, text.tr("A-Z", "a-z")]
        elsif (text = @in.scan(/\$\d+/n)) then [:param, text]
        elsif (text = @in.scan(DOLLAR)) then [:string, dollar_quoted(text)]
        elsif (text = @in.scan(NUMBER)) then [:number, text]
        elsif @in.skip(/;/n) then [:semicolon, ";"]
        else [:other, @in.get_byte]
        end
      end

      # A string with all its continuations: one that follows after a new line
      # belongs to it, and is scanned by the same rules.
      def string(to_end)
        text = +"".b
        loop do
          part = @in.scan(to_end) or raise Unterminated
          text << part.chop
          rest = @in.check(CONTINUATION)
          return text unless rest&.match?(/[\r\n]/n)

          @in.skip(CONTINUATION)
        end
      end

      def identifier
        text = @in.scan(IDENTIFIER) or raise Unterminated
        text.chop.gsub('""', '"')
      end

      def dollar_quoted(tag)
        text = @in.scan_until(Regexp.new(Regexp.escape(tag), Regexp::NOENCODING)) or raise Unterminated
        text[0...-tag.bytesize]
      end
    end
  end
end
