# frozen_string_literal: true

require_relative "helper"
require "rack/mock"

# Shadows against the PostgreSQL of DATABASE_URL, without a server before them.
# The database has a table items (id serial, name text unique) and the fuse.
class ShadowTest < Minitest::Test
  class Item < ActiveRecord::Base
    self.table_name = "items"
  end

  def setup
    skip "DATABASE_URL is not set: go test ./adapters/rails sets it" unless ENV["DATABASE_URL"]
    ActiveRecord::Base.establish_connection(ENV["DATABASE_URL"]) unless ActiveRecord::Base.connected?
    Item.delete_all
    release
    @log = StringIO.new
    config = QuackShadow::Config.new
    config.secret = VECTORS["secret"]
    config.wall_cap = 20_000
    config.logger = Logger.new(@log)
    @adapter = QuackShadow::Adapter.new(config)
  end

  def test_nothing_is_left_and_the_rows_are_counted
    out = shadow { Item.create!(name: "a") && Item.count }
    assert_equal ["1", "", { "public.items" => 1 }], [out[:value].to_s, out[:reason], out[:inserted]]
    assert_equal 0, Item.count
  end

  def test_threads_fibers_and_pools_belong_to_the_request
    out = shadow do
      write = -> { Item.create!(name: SecureRandom.hex) }
      Thread.new(&write).join
      Thread.start(&write).join
      Fiber.new(&write).resume
      Concurrent::Future.execute(&write).value!
      Item.count
    end
    assert_equal [4, ""], [out[:value], out[:reason]]
    assert_equal 0, Item.count
  end

  def test_threads_of_a_pool_that_a_shadow_has_filled_are_live_again
    pool = Concurrent::FixedThreadPool.new(1)
    shadow { Concurrent::Future.execute(executor: pool) { Item.create!(name: "a") }.value! }
    Concurrent::Future.execute(executor: pool) { Item.connection_pool.with_connection { Item.create!(name: "live") } }.value!
    assert_equal ["live"], Item.pluck(:name)
  ensure
    pool&.shutdown
  end

  def test_a_thread_that_goes_on_writes_nothing
    gate = Queue.new
    late = nil
    shadow { late = Thread.new { gate.pop; Item.create!(name: "late") }.tap { |t| t.report_on_exception = false } }
    gate << 1
    error = assert_raises(ActiveRecord::StatementInvalid, QuackShadow::Over) { late.value }
    assert_match(/over/, error.message)
    assert_equal 0, Item.count
  end

  def test_a_connection_that_was_kept_is_refused
    kept = ActiveRecord::Base.connection_pool
    out = shadow { kept.with_connection { |c| c.execute("INSERT INTO items (name) VALUES ('a')") } }
    assert_equal "unsupported:other-connection", out[:reason]
    release
    assert_equal 0, Item.count
  end

  def test_a_write_that_belongs_to_no_request_is_noticed
    begun, go = Queue.new, Queue.new
    other = Thread.new { begun.pop; Item.connection_pool.with_connection { Item.create!(name: "foreign") }; go << 1 }
    out = shadow { begun << 1; go.pop }
    other.join
    assert_equal "unsupported:foreign-context", out[:reason]
    assert_equal ["foreign"], Item.pluck(:name)
  end

  def test_a_query_before_the_middleware_fails
    Item.connection.execute("SELECT 1")
    status, headers, = call(marked("rollback")) { Item.create!(name: "a") }
    assert_equal [500, nil], [status, headers["Quack-Shadow-Result"]]
    assert_match(/ran before/, @log.string)
    assert_equal 0, Item.count
  end

  def test_another_way_by_the_raw_connection
    %i[send_query reset set_client_encoding lo_creat enter_pipeline_mode].each do |name|
      out = shadow { Item.connection.raw_connection.public_send(name, *(["COMMIT"] if name == :send_query)) }
      assert_match(/\Aunsupported:/, out[:reason], name.to_s)
    end
  end

  def test_copy_and_raw_transactions_and_prepared_statements
    out = shadow do
      raw = Item.connection.raw_connection
      raw.copy_data("COPY items (name) FROM STDIN") { 3.times { |i| raw.put_copy_data("row#{i}\n") } }
      raw.transaction { raw.exec_params("INSERT INTO items (name) VALUES ($1)", ["t"]) }
      raw.prepare("mine", "INSERT INTO items (name) VALUES ($1)")
      raw.exec_prepared("mine", ["p"])
      Item.count
    end
    assert_equal [5, "", { "public.items" => 5 }], [out[:value], out[:reason], out[:inserted]]
  end

  def test_a_verb_that_was_prepared_is_refused
    out = shadow { Item.connection.raw_connection.prepare("x", "COMMIT") }
    assert_equal "escape:commit", out[:reason]
  end

  def test_an_error_that_is_met_takes_nothing_else_with_it
    out = shadow do
      Item.create!(name: "a")
      begin
        Item.connection.execute("SELECT 1/0")
      rescue ActiveRecord::StatementInvalid
        Item.create!(name: "b")
      end
      Item.transaction { Item.create!(name: "c"); raise ActiveRecord::Rollback }
      Item.order(:name).pluck(:name)
    end
    assert_equal [%w[a b], "", { "public.items" => 2 }], [out[:value], out[:reason], out[:inserted]]
  end

  def test_sixty_writes_outside_of_transactions
    assert_equal "", shadow { 60.times { |i| Item.connection.execute("INSERT INTO items (name) VALUES ('#{i}')") } }[:reason]
    assert_equal "unsupported:too-many-statements", shadow { 61.times { |i| Item.connection.execute("INSERT INTO items (name) VALUES ('#{i}')") } }[:reason]
    assert_equal "", shadow { Item.transaction { 100.times { |i| Item.create!(name: i.to_s) } } }[:reason]
  end

  def test_a_session_that_is_ended_from_outside
    out = shadow do
      Item.create!(name: "a")
      pid = Item.connection.raw_connection.backend_pid
      PG.connect(ENV["DATABASE_URL"]).tap { |c| c.exec("SELECT pg_terminate_backend(#{pid})") }.finish
      Item.count
    end
    assert_equal "unsupported:session-lost", out[:reason]
    assert_equal 0, Item.count
  end

  # As a live savepoint, whose name an application may choose.
  def test_nested_transactions_are_taken_off_the_count
    out = shadow do
      Item.transaction do
        Item.create!(name: "a")
        Item.transaction(requires_new: true) { Item.create!(name: "b"); raise ActiveRecord::Rollback }
        Item.transaction(requires_new: true) { Item.create!(name: "c") }
      end
      Item.order(:name).pluck(:name)
    end
    assert_equal [%w[a c], "", { "public.items" => 2 }], [out[:value], out[:reason], out[:inserted]]
  end

  def test_a_body_that_is_too_long_to_keep
    @adapter.config.max_body = 1
    out = shadow { nil }
    assert_equal "unsupported:answer-size", out[:reason]
  end

  def test_limits_are_kept
    out = shadow do
      Item.connection.execute("SET statement_timeout = 0")
      Item.connection.execute("SET lock_timeout = '20 ms'")
      %w[statement_timeout lock_timeout].map { |n| Item.connection.select_value("SHOW #{n}") }
    end
    refute_equal "0", out[:value][0]
    assert_equal ["20ms", ""], [out[:value][1], out[:reason]]
  end

  # Without interception fuse, belt and watch are left.
  def test_an_escape_that_was_not_intercepted_is_noticed
    ["COMMIT", "ROLLBACK AND CHAIN", "ROLLBACK"].each do |verb|
      out = shadow do
        Item.create!(name: "a")
        Item.connection.raw_connection.control_send(verb)
        nil while Item.connection.raw_connection.get_result
        Item.connection.execute("INSERT INTO items (name) VALUES ('b')")
      end
      assert_match(/\Aescape:/, out[:reason], verb)
      assert_equal 0, Item.count, verb
      release
    end
  end

  def test_live_requests_are_not_wrapped
    classes = watching = nil
    live = lambda do
      classes = [Item.connection.class, Item.connection.raw_connection.class, Item.connection_handler.class]
      watching = @adapter.sentry.watching?
      Item.create!(name: "live")
    end
    shadow { nil } # one before it leaves nothing on
    middleware(&live).call(Rack::MockRequest.env_for("/", method: "POST"))
    assert_equal [ActiveRecord::ConnectionAdapters::PostgreSQLAdapter, PG::Connection, ActiveRecord::ConnectionAdapters::ConnectionHandler], classes
    refute watching
    assert_equal ["live"], Item.pluck(:name)
  end

  private

  def release = ActiveRecord::Base.clear_active_connections!

  def middleware(&block)
    app = lambda do |_env|
      @value = block.call
      [200, {}, ["ok"]]
    end
    QuackShadow::Middleware.new(app, @adapter)
  end

  def marked(mode)
    fields = { "id" => SecureRandom.hex, "mode" => mode, "t" => Time.now.to_i.to_s, "budget" => "20000" }
    sig = @adapter.codec.sign("quack-shadow-v1", *fields.values, "POST", "/", Digest::SHA256.hexdigest(""))
    "v1;#{fields.map { |k, v| "#{k}=#{v}" }.join(';')};target=#{['/'].pack('m0').delete('=')};sig=#{sig}"
  end

  def call(header, &block)
    @value = nil
    middleware(&block).call(Rack::MockRequest.env_for("/", method: "POST", "HTTP_QUACK_SHADOW" => header))
  end

  # What came of a shadow: the block's value, the reason, rows by table.
  def shadow(&block)
    release
    _, headers, = call(marked("rollback"), &block)
    result = headers["Quack-Shadow-Result"]
    assert result, "no acknowledgement: #{@log.string}"
    inserted = headers["Quack-Footprint"].to_s.scan(/"([^"]+)";ins=(\d+)/).to_h { |t, n| [t, n.to_i] }
    { value: @value, reason: result[/reason=([^;]*)/, 1], inserted: inserted }
  end
end
