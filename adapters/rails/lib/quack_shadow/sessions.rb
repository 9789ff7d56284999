# frozen_string_literal: true

module QuackShadow
  # Makes dedicated sessions, each for one shadow, and keeps one ready.
  class Sessions
    # Seconds that a spare may get old: settings of roles and databases change,
    # and firewalls forget idle connections.
    AGE = 60

    def initialize(config)
      @config = config
      @lock = Mutex.new
    end

    # A session that has just been opened, or the spare.
    def take
      spare = @lock.synchronize { @spare.tap { @spare = nil } }
      return fresh unless spare
      return spare if !spare.inherited? && QuackShadow.clock - spare.opened < AGE && spare.status == :idle && alive?(spare)

      spare.close unless spare.inherited?
      fresh
    end

    # Makes a spare in the background, when there is none and none is being made.
    def refill
      @lock.synchronize do
        return if @spare || @filler&.alive?

        @filler = Thread.new { fill }
      end
    end

    def parameters = PinnedAdapter.quack_parameters(database)

    def gone(session) = Elsewhere.gone(parameters, session)

    private

    def fresh = Session.new(PinnedAdapter.quack_open(database))

    # Reads nothing from the server: a session that was ended has something to
    # say.
    def alive?(session)
      session.connection.consume_input
      session.status == :idle
    rescue PG::Error
      false
    end

    def fill
      Scope.with(nil) { session = fresh and @lock.synchronize { @spare = session } }
    rescue StandardError => e
      @config.logger.warn("quack_shadow: make a spare session for shadow writes: #{e.message}")
    end

    # The configuration of the database, as ActiveRecord has it.
    def database
      config = ActiveRecord::Base.default_connection_handler.retrieve_connection_pool(ActiveRecord::Base.connection_specification_name)
                                 .db_config.configuration_hash
      raise Session::Unfit, "ActiveRecord's adapter is #{config[:adapter]}, and shadows need postgresql" unless config[:adapter] == "postgresql"

      direct = @config.direct_url ? ActiveRecord::DatabaseConfigurations::ConnectionUrlResolver.new(@config.direct_url).to_hash : {}
      { connect_timeout: 5 }.merge(config, direct.symbolize_keys)
    end
  end
end
