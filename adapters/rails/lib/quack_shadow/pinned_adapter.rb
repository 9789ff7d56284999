# frozen_string_literal: true

require "active_record"
require "active_record/connection_adapters/postgresql_adapter"
require_relative "connection"
require_relative "quiet_commit"

module QuackShadow
  # The ActiveRecord connection of a shadow: that of PostgreSQL, on a connection
  # that watches what is sent, with savepoints in place of transactions. It is
  # never reconnected.
  class PinnedAdapter < ActiveRecord::ConnectionAdapters::PostgreSQLAdapter
    OLD = ActiveRecord.version < Gem::Version.new("7.1")

    class << self
      def new_client(parameters) = Connection.new(**parameters)

      # Opens one as ActiveRecord would. config is a pool's configuration hash.
      def quack_open(config)
        return new(config).tap(&:connect!) unless OLD

        parameters = quack_parameters(config)
        new(new_client(parameters), ActiveRecord::Base.logger, parameters, config)
      end

      # What libpq is given.
      def quack_parameters(config)
        p = config.symbolize_keys.compact
        p[:user] = p.delete(:username) if p[:username]
        p[:dbname] = p.delete(:database) if p[:database]
        p.slice(*(PG::Connection.conndefaults_hash.keys + [:requiressl]))
      end
    end

    def quack_connection = OLD ? @connection : @raw_connection

    # Gives it to a shadow.
    def quack_pin(shadow)
      @quack = shadow
      @pool = Pool.new(ActiveRecord::Base.default_connection_handler.retrieve_connection_pool(ActiveRecord::Base.connection_specification_name), shadow)
      lease
    end

    # A thread does not join the transaction that another has open: on a
    # connection of its own it would have one of its own.
    def transaction(**options, &block) = @quack ? @quack.apart { super(**options, &block) } : super

    def begin_db_transaction = quack_log("BEGIN") { @quack.begin }

    def begin_isolated_db_transaction(isolation)
      quack_log("BEGIN") { @quack.begin(transaction_isolation_levels.fetch(isolation).downcase) }
    end

    def commit_db_transaction = quack_log("COMMIT") { @quack.commit }
    def exec_rollback_db_transaction = quack_log("ROLLBACK") { @quack.rollback }

    def exec_restart_db_transaction
      exec_rollback_db_transaction
      begin_db_transaction
    end

    def create_savepoint(name = current_savepoint_name)
      quack_log("SAVEPOINT #{name}") { @quack.create_point(name) }
    end

    def exec_rollback_to_savepoint(name = current_savepoint_name)
      quack_log("ROLLBACK TO SAVEPOINT #{name}") { @quack.roll_back_to_point(name) }
    end

    def release_savepoint(name = current_savepoint_name)
      quack_log("RELEASE SAVEPOINT #{name}") { @quack.release_point(name) }
    end

    # Its transactions do not run callbacks after their commit.
    def reset_transaction(**options)
      options.empty? ? super() : super
      @transaction_manager.extend(QuietCommit::Manager)
    end

    # No query cache: ActiveRecord clears those of the pools that it knows.
    def cache = yield
    def enable_query_cache! = nil

    # Queries of load_async stay on the thread of the request.
    def supports_concurrent_connections? = false

    # The end of the request ends the session; until then it is there.
    def active? = @quack ? !@quack.over? : super
    def verify!(*) = @quack ? nil : super
    def disconnect! = @quack ? nil : super
    def throw_away! = nil

    %i[reconnect! reset! connect!].each do |name|
      define_method(name) do |*args, **options|
        next @quack.refuse!("unsupported:conn") if @quack

        options.empty? ? super(*args) : super(*args, **options)
      end
    end

    private

    def reconnect(*) = @quack ? @quack.refuse!("unsupported:conn") : super

    def quack_log(sql, &block) = log(sql, "TRANSACTION", &block)
  end
end
