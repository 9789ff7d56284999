# frozen_string_literal: true

module QuackShadow
  module SQL
    # The tokens of one statement, and the questions that are asked of them.
    class Phrase
      TARGETS = { "insert" => 2, "update" => 1, "delete" => 2, "merge" => 2, "copy" => 1, "truncate" => 1 }.freeze
      NEVER_WRITE = %w[show fetch move close set reset deallocate notify unlisten savepoint release rollback].push("").freeze
      MAY_WRITE = %w[select values table with declare explain prepare].freeze

      # Functions, and keywords that stand before a parenthesis, with which a
      # SELECT does not write. Leaving one out costs a little time.
      HARMLESS = %w[
        select from where in any all some exists and or not on as using over filter values with by
        having union except intersect join lateral case when then else array row cast within group limit offset is between like
        count sum min max avg coalesce nullif greatest least array_agg string_agg json_agg jsonb_agg json_object_agg
        jsonb_object_agg bool_and bool_or every row_number rank dense_rank lag lead first_value last_value ntile
        lower upper initcap length char_length octet_length trim ltrim rtrim btrim substring substr replace concat concat_ws
        left right lpad rpad position strpos split_part format quote_ident quote_literal md5 sha256 encode decode to_char
        to_date to_timestamp to_number now date_trunc date_part extract age make_date make_interval clock_timestamp
        statement_timestamp transaction_timestamp abs ceil ceiling floor round trunc sign power sqrt mod random
        gen_random_uuid generate_series unnest array_length array_to_string string_to_array cardinality array_append
        array_remove array_position json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb
        row_to_json jsonb_set jsonb_each jsonb_array_elements json_array_elements jsonb_path_query to_tsvector to_tsquery
        plainto_tsquery websearch_to_tsquery ts_rank similarity current_setting pg_sleep numeric decimal varchar char
        character timestamp timestamptz time interval bit float
        format_type pg_get_expr col_description pg_get_constraintdef pg_get_indexdef pg_total_relation_size
        current_schema current_schemas current_database
      ].to_h { |w| [w, true] }.freeze

      attr_reader :tokens

      def initialize(tokens)
        @tokens = tokens
      end

      def size = @tokens.size

      def text(at) = @tokens[at]&.text

      # The keyword or unquoted name at a place, "" when there is none.
      def word(at)
        t = @tokens[at]
        t && t.kind == :word ? t.text : ""
      end

      # The name at a place, quoted or not.
      def name(at)
        t = @tokens[at]
        t && (t.kind == :word || t.kind == :quoted) ? t.text : ""
      end

      # Whether the words stand here, one after the other.
      def has?(*words)
        @tokens.each_index.any? { |i| words.each_with_index.all? { |w, j| word(i + j) == w } }
      end

      def any?(*words) = @tokens.any? { |t| t.kind == :word && words.include?(t.text) }

      # Whether an identifier is the name.
      def names?(name) = @tokens.any? { |t| (t.kind == :word || t.kind == :quoted) && t.text == name }

      def punctuation?(at, char)
        t = @tokens[at]
        !t.nil? && t.kind == :other && t.text == char
      end

      # The names that stand before an opening parenthesis.
      def calls
        @calls ||= @tokens.each_index.filter_map { |i| name(i) if name(i) != "" && punctuation?(i + 1, "(") }
      end

      # The table that a writing statement names first, as written.
      def target(verb)
        at = TARGETS[verb] or return ""
        at += 1 while %w[only table].include?(word(at))
        qualified = text(at + 1) == "." && name(at + 2) != ""
        qualified ? "#{name(at)}.#{name(at + 2)}" : name(at)
      end

      # Whether a statement may change rows. A SELECT may when it locks rows, or
      # calls a function that is not known to be harmless.
      def may_write?(verb)
        return false if NEVER_WRITE.include?(verb)
        return true unless MAY_WRITE.include?(verb)

        any?("insert", "update", "delete", "merge", "into", "execute") ||
          has?("for", "share") || has?("for", "no") || has?("for", "key") || calls.any? { |f| !HARMLESS[f] }
      end
    end
  end
end
