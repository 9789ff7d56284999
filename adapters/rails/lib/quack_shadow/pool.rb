# frozen_string_literal: true

require "delegate"

module QuackShadow
  # The connection pool that a shadow sees: one connection, that of its session,
  # for all threads of the request.
  class Pool < SimpleDelegator
    def initialize(live, shadow)
      super(live)
      @shadow = shadow
    end

    def connection(*) = @shadow.adapter
    alias lease_connection connection
    alias checkout connection
    alias active_connection connection

    def with_connection(**) = yield(connection)
    def active_connection? = false # nobody has one to give back
    def connected? = true
    def connections = [connection]

    # Nothing is given back or taken away before the end.
    %i[release_connection checkin remove reap flush flush! disconnect disconnect! clear_reloadable_connections
       clear_reloadable_connections! lock_thread= discard! pin_connection! unpin_connection!].each do |name|
      define_method(name) { |*, **| nil }
    end

    # Queries of load_async run here and now.
    def schedule_query(future) = future.execute_or_skip
    def async_executor = nil

    # See PinnedAdapter: there is no query cache.
    def enable_query_cache!(*) = nil
    def disable_query_cache!(*) = nil
    def query_cache_enabled = true

    # A copy: that of the live pool remembers a connection, to ask it more.
    def schema_cache = @schema_cache ||= __getobj__.schema_cache&.dup

    def get_schema_cache(connection)
      @schema_cache = schema_cache || ActiveRecord::ConnectionAdapters::SchemaCache.new(connection)
      @schema_cache.connection = connection
      @schema_cache
    end

    def quack_effects = @shadow.effects
  end

  # The connection handler that the threads of a shadow have in place of
  # ActiveRecord's own. Live requests do not meet it.
  class Handler < SimpleDelegator
    def initialize(live, shadow)
      super(live)
      @shadow = shadow
    end

    def retrieve_connection(name, **where) = retrieve_connection_pool(name, **where).connection

    # The pool of one's own database; another is refused.
    def retrieve_connection_pool(name, strict: nil, **where)
      live = strict.nil? ? __getobj__.retrieve_connection_pool(name, **where) : __getobj__.retrieve_connection_pool(name, strict: strict, **where)
      return live if live.nil?

      @shadow.refuse!("unsupported:other-database") unless same_database?(live)
      pool
    end

    def connection_pool_list(*) = [pool]
    alias connection_pools connection_pool_list
    alias all_connection_pools connection_pool_list

    def active_connections?(*) = false
    def connected?(*, **) = true

    %i[clear_active_connections! clear_reloadable_connections! clear_all_connections! flush_idle_connections!].each do |name|
      define_method(name) { |*| nil }
    end

    %i[establish_connection remove_connection remove_connection_pool].each do |name|
      define_method(name) { |*, **| @shadow.refuse!("unsupported:other-database") }
    end

    private

    def pool = @pool ||= Pool.new(main, @shadow)
    def main = __getobj__.retrieve_connection_pool(ActiveRecord::Base.connection_specification_name)

    def same_database?(live)
      mine, other = [main, live].map { |p| p.db_config.configuration_hash.values_at(:host, :port, :database, :url) }
      mine == other || live.db_config.replica?
    end
  end
end
