# frozen_string_literal: true

require "pg"
require_relative "errors"

module QuackShadow
  # The raw connection of a shadow's session. Once it has a shadow, all SQL that
  # is sent by it goes through that, whatever method it comes by, and what could
  # send SQL past it is refused.
  class Connection < PG::Connection
    alias control_send send_query

    # The shadow that it belongs to; nil while the session is being set up.
    attr_accessor :shadow

    # Runs statements of our own, by the simple protocol, and returns all their
    # results, as text. Raises Lost when the server does not answer in time.
    def control(sql, within: 2)
      control_send(sql)
      deadline = QuackShadow.clock + within
      results = []
      loop do
        raise Lost, "the server does not answer" unless block([deadline - QuackShadow.clock, 0.001].max)

        result = get_result or break
        result.type_map = TEXT
        results << result
      end
      results.each(&:check)
    end

    TEXT = PG::TypeMapAllStrings.new

    %i[exec query async_exec async_query sync_exec exec_params async_exec_params sync_exec_params].each do |name|
      define_method(name) do |sql, *rest, &block|
        next super(sql, *rest, &block) unless @shadow

        handed(@shadow.run(sql, rest.first) { |text| super(text, *rest) }, &block)
      end
    end

    %i[prepare async_prepare sync_prepare].each do |name|
      define_method(name) do |statement, sql, *rest|
        next super(statement, sql, *rest) unless @shadow

        @shadow.prepare(statement, sql) { |text| super(statement, text, *rest) }
      end
    end

    %i[exec_prepared async_exec_prepared sync_exec_prepared].each do |name|
      define_method(name) do |statement, *rest, &block|
        next super(statement, *rest, &block) unless @shadow

        handed(@shadow.run_prepared(statement, rest.first) { super(statement, *rest) }, &block)
      end
    end

    # COPY by rows is one statement with what is in the block.
    def copy_data(sql, *rest, &block)
      return super unless @shadow

      @shadow.copy(sql) do |text|
        owner = @shadow
        @shadow = Copying.new(owner)
        super(text, *rest, &block)
      ensure
        @shadow = owner
      end
    end

    # Lets the one statement of copy_data itself pass.
    Copying = Struct.new(:owner, :begun) do
      def run(sql, _)
        return owner.refuse!("unsupported:copy") if begun

        self.begun = true
        yield sql
      end

      def method_missing(*) = owner.refuse!("unsupported:copy")
      def respond_to_missing?(*) = true
    end

    def transaction
      return super unless @shadow

      @shadow.transaction { yield self }
    end

    PAST_US = %i[
      send_query send_query_params send_prepare send_query_prepared async_send_query reset async_reset sync_reset reset_start
      enter_pipeline_mode set_client_encoding client_encoding= async_set_client_encoding sync_set_client_encoding
      set_default_encoding internal_encoding= lo_creat lo_create lo_import lo_export lo_open lo_unlink locreat locreate
      loimport loexport loopen lounlink
    ].select { |m| PG::Connection.method_defined?(m) }.freeze

    PAST_US.each do |name|
      what = { "lo" => "large-objects", "cl" => "client_encoding" }.fetch(name[0, 2], "conn")
      what = "client_encoding" if name.to_s.include?("encoding")
      define_method(name) do |*args, &block|
        @shadow ? @shadow.refuse!("unsupported:#{what}") : super(*args, &block)
      end
    end

    private

    def handed(result)
      return result unless block_given?

      begin
        yield result
      ensure
        result.clear
      end
    end
  end
end
