# frozen_string_literal: true

module QuackShadow
  # Quack-Footprint: a dictionary of RFC 9651 with the rows written per table,
  # and what was recorded instead of done.
  #
  #   tables=("public.accounts";ins=1 "public.audit_log";ins=2;del=1), effects=("mail:OrderMailer.placed";n=1)
  module Footprint
    LONGEST = 4096
    CUT = ", truncated"

    module_function

    # tables is {name => {ins:, upd:, del:}}, effects {name => n}.
    def format(tables, effects = {})
      rows = tables.sort_by { |name, _| name.delete_prefix("public.") }.map { |name, n| string(name) + parameters(n) }
      text, cut = list("tables", rows, LONGEST - CUT.size)
      unless effects.empty?
        done, more = list(", effects", effects.sort.map { |name, n| "#{string(name)};n=#{n}" }, LONGEST - CUT.size - text.size)
        text += done
        cut ||= more
      end
      cut ? text + CUT : text
    end

    # A list with as many of the items as there is room for; "" when there is
    # none for an empty one.
    def list(name, items, room)
      room -= name.size + 3
      return ["", true] if room.negative?

      kept = items.take_while { |i| (room -= i.size + 1) >= -1 }
      ["#{name}=(#{kept.join(' ')})", kept.size < items.size]
    end

    def parameters(counts)
      %i[ins upd del].map { |k| counts[k].to_i.zero? ? "" : ";#{k}=#{counts[k]}" }.join
    end

    # A String, or a Display String when it has characters that one can not hold.
    def string(text)
      return %("#{text.gsub(/[\\"]/) { |c| "\\#{c}" }}") if text.match?(/\A[\x20-\x7e]*\z/)

      escaped = text.scrub("\uFFFD").bytes.map do |b|
        b < 0x20 || b >= 0x7f || b == 0x25 || b == 0x22 ? Kernel.format("%%%02x", b) : b.chr
      end
      %(%"#{escaped.join}")
    end

    # A table's name, schema-qualified; a part with a dot or a double quote in
    # it stands in double quotes.
    def table(schema, name)
      [schema, name].map { |s| s.match?(/[."]/) ? %("#{s.gsub('"', '""')}") : s }.join(".")
    end
  end
end
