# frozen_string_literal: true

module QuackShadow
  # What a Quack-Shadow says. budget is in ms, 0 when not said; target is the
  # path and query as Quack sent them.
  Marked = Struct.new(:id, :mode, :at, :budget, :target, :gid, :sig, :signed) do
    # Reads the header and holds its time to the window. It does not vouch for
    # it: verify does, once the body is known.
    def self.read(value, now: Time.now)
      names = %w[id mode t budget target sig]
      names << "gid" if value.include?(";mode=prepare;")
      m = of(Codec.fields(value, *names))
      off = now.to_i - m.at
      return m if off.abs <= self::WINDOW

      raise Forbidden, "Quack-Shadow was made #{off} s ago, and the window is #{self::WINDOW} s\n  " \
                       "compare the clocks of Quack and this host"
    end

    def self.of(f)
      raise Forbidden, "the id has other characters than letters, digits and -._~" unless Codec::ID.match?(f["id"])
      raise Forbidden, "mode #{f['mode'][0, 20].inspect} is not known" unless self::MODES.include?(f["mode"])
      raise Forbidden, "t is not a number of 1 to 12 digits" unless f["t"].match?(/\A\d{1,12}\z/)
      raise Forbidden, "budget is not a number of 1 to 9 digits" unless f["budget"].match?(/\A\d{1,9}\z/)
      raise Forbidden, "gid is not txshadow-INSTANCE-NUMBER" unless f["gid"].nil? || f["gid"].match?(self::GID)

      new(f["id"], f["mode"], f["t"].to_i, f["budget"].to_i, base64(f["target"]), f["gid"], f["sig"], f)
    end

    def self.base64(text)
      decoded = text.tr("-_", "+/").unpack1("m")
      return decoded if [decoded].pack("m0").tr("+/", "-_").delete("=") == text

      raise Forbidden, "target is not base64url without padding"
    end

    # Whether the adapter's target is what was signed, in decoded form, because
    # something between may write the same path in another way.
    def self.same_target?(signed, received)
      path, query = signed.split("?", 2)
      got_path, got_query = received.split("?", 2)
      decoded(path) == decoded(got_path) && (query.to_s == got_query.to_s || decoded(query.to_s) == decoded(got_query.to_s))
    end

    def self.decoded(text) = Rack::Utils.unescape_path(text).b

    # Vouches for the header against the request that carries it. digest is the
    # SHA-256 of its body, in hex.
    def verify(codec, method, received, digest)
      f = signed
      fields = ["quack-shadow-v1", f["id"], f["mode"], f["t"], f["budget"], method, target, digest]
      fields << gid if gid
      unless codec.signed?(sig, *fields)
        raise Forbidden, "the signature of Quack-Shadow does not verify\n  check that QUACK_SHADOW_SECRET is the same here and in " \
                         "Quack, and that nothing between them changes the method or the body"
      end
      return if self.class.same_target?(target, received)

      raise Forbidden, "Quack-Shadow was signed for another path or query\n  put the adapter outside of whatever rewrites paths"
    end

    def readonly? = mode == "readonly"
    def prepare? = mode == "prepare"
  end

  class Marked
    MODES = %w[rollback readonly hello prepare].freeze
    GID = /\Atxshadow-[a-z0-9]{1,32}-[0-9]{1,19}\z/.freeze
    # Seconds either way. A request that is replayed within it is only rolled
    # back once more.
    WINDOW = 60
  end
end
