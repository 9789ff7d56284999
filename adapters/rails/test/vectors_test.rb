# frozen_string_literal: true

require_relative "helper"

# The vectors that all adapters share.
class VectorsTest < Minitest::Test
  include QuackShadow

  def setup
    @codec = Codec.new(Secrets.parse(VECTORS["secrets"]))
  end

  def test_secrets
    VECTORS["lists"].each do |v|
      if v["error"]
        assert_raises(ArgumentError, v["list"]) { Secrets.parse(v["list"]) }
      else
        assert_equal v["secrets"], Secrets.parse(v["list"]).all
      end
    end
  end

  def test_secrets_are_not_printed
    secret = VECTORS["secret"]
    config = Config.new.tap { |c| c.secret = secret }
    [Secrets.parse(secret), @codec, config].each { |x| refute_includes x.inspect, secret }
  end

  def test_shadow
    VECTORS["shadow"].each do |v|
      m = verify(v, VECTORS["now"])
      assert_equal [v["id"], v["mode"], v["budget_ms"], v["target"].b], [m.id, m.mode, m.budget, m.target.b]
      assert_equal v["baggage"], "quack.shadow=#{@codec.nested_mark(v['id'])}" unless v["note"]
    end
  end

  def test_refused
    VECTORS["refused"].each { |v| assert_raises(Forbidden, v["why"]) { verify(v, v["now"]) } }
  end

  def test_prepare
    VECTORS["prepare"].each { |v| assert_equal v["gid"], verify(v, VECTORS["now"]).gid }
    VECTORS["prepare_refused"].each { |v| assert_raises(Forbidden, v["why"]) { verify(v, v["now"] || VECTORS["now"]) } }
  end

  def test_same_target
    VECTORS["same_target"].each { |v| assert_equal v["same"], Marked.same_target?(v["signed"], v["received"]), v.inspect }
  end

  def test_result
    VECTORS["result"].each { |v| assert_equal v["header"], @codec.result(v["id"], v["outcome"], v["reason"]) }
  end

  def test_nested
    VECTORS["nested"].each { |v| assert_equal v["nested"], !@codec.nested(v["baggage"]).nil?, v["baggage"] }
  end

  def test_context
    VECTORS["context"].each do |v|
      env = v["headers"].transform_keys { |k| "HTTP_#{k.upcase.tr('-', '_')}" }
      scope = Scope.new(env, nil, @codec)
      assert_equal v["time"], scope.time.utc.strftime("%Y-%m-%dT%H:%M:%S.%9NZ")
      assert_equal [v["id"], v["readonly"]], [scope.request_id, scope.read_only?]
      assert_nil Scope.new(env.merge("HTTP_QUACK_REQUEST_ID" => "other"), nil, @codec).time
    end
  end

  def test_footprint
    VECTORS["footprint"].each do |v|
      tables = v["tables"].to_h do |t|
        whole = t["table"].gsub(/"[^"]*"/, "").include?(".") ? t["table"] : "public.#{t['table']}"
        [whole, { ins: t["ins"], upd: t["upd"], del: t["del"] }]
      end
      assert_equal v["header"], Footprint.format(tables, (v["effects"] || []).to_h { |e| [e["name"], e["n"]] })
    end
  end

  def test_footprint_with_effects
    assert_equal 'tables=(), effects=("job:A";n=2 "mail:B.c";n=1)', Footprint.format({}, { "mail:B.c" => 1, "job:A" => 2 })
    long = Footprint.format((1..200).to_h { |i| ["public.a_long_table_name_#{i}", { ins: i }] }, (1..200).to_h { |i| ["job:Job#{i}", 1] })
    assert_operator long.bytesize, :<=, Footprint::LONGEST
    assert long.end_with?(", truncated")
  end

  private

  def verify(v, now)
    m = Marked.read(v["header"], now: Time.at(now))
    m.verify(@codec, v["method"], v["target"], Digest::SHA256.hexdigest(v["body"]))
    m
  end
end
