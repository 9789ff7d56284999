# frozen_string_literal: true

module QuackShadow
  # Rows written per table in the session's transaction. The server counts what
  # savepoints took back and never takes it off again: the ledger does.
  class Ledger
    # pg_stat_xact_user_tables without its joins of the indexes, and without
    # temporary tables, which end with the session.
    SQL = <<~SQL.tr("\n", " ").strip
      SELECT n.nspname, t.relname, t.ins, t.upd, t.del FROM (SELECT relnamespace, relname,
      pg_catalog.pg_stat_get_xact_tuples_inserted(oid) AS ins, pg_catalog.pg_stat_get_xact_tuples_updated(oid) AS upd,
      pg_catalog.pg_stat_get_xact_tuples_deleted(oid) AS del
      FROM pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence <> 't') t
      JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
      WHERE t.ins + t.upd + t.del > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')
    SQL

    # A savepoint, and the books at its time.
    Mark = Struct.new(:name, :base, :void)

    ZERO = [0, 0, 0].freeze

    # stale says that something may have been written since the last reading;
    # lost, that the counts can not be told any more.
    attr_accessor :stale, :lost

    def initialize
      @last = {}
      @void = {}
      @stale = @lost = false
    end

    # The last reading, as the answer to SQL.
    def read(result)
      @last = result.values.to_h { |schema, table, *n| [Footprint.table(schema, table), n.map(&:to_i)] }
      @stale = false
    end

    # What was written before the transaction counts as taken back.
    def open(result)
      read(result)
      @void = @last
    end

    # Is called when the savepoint has been made and the last reading is not stale.
    def mark(name) = Mark.new(name, @last, @void)

    # Is called after a ROLLBACK TO the mark, when the last reading is not stale.
    def undone(mark)
      @void = sum(mark.void, sum(@last, mark.base, -1), 1)
    end

    # {table => {ins:, upd:, del:}} of what is left, nil when it can not be told.
    def tables
      return if @lost

      left = sum(@last, @void, -1).reject { |_, n| n == ZERO }
      left.transform_values { |ins, upd, del| { ins: ins, upd: upd, del: del } }
    end

    private

    def sum(a, b, sign)
      a.merge(b.transform_values { |n| n.map { |x| sign * x } }) { |_, x, y| x.zip(y).map(&:sum) }
    end
  end
end
