# frozen_string_literal: true

require "openssl"
require "rack/utils"

module QuackShadow
  # What does not verify. It is never executed.
  class Forbidden < StandardError; end

  # Writes and reads the fields of Quack's headers: signatures are lower-case
  # hex of HMAC-SHA256 over the fields joined by newlines.
  class Codec
    ID = /\A[A-Za-z0-9\-._~]{1,128}\z/.freeze
    MEMBER = "quack.shadow"

    def initialize(secrets)
      @secrets = secrets.all
    end

    def inspect = "#<QuackShadow::Codec>"

    def sign(*fields) = mac(@secrets.first, fields)

    # Whether sig signs the fields under one of the secrets. A field with a
    # newline could be cut in another way: such a signature says nothing.
    def signed?(sig, *fields)
      ok = @secrets.map { |s| Rack::Utils.secure_compare(mac(s, fields), sig.b) }.any?
      ok && fields.none? { |f| f.include?("\n") }
    end

    # Reads "v1;a=…;b=…". Each of the names stands exactly once, and no other.
    def self.fields(value, *names)
      version, *rest = value.split(";", -1)
      raise Forbidden, "version #{version.to_s[0, 20].inspect} is not v1" unless version == "v1"

      found = rest.each_with_object({}) do |field, all|
        name, v = field.split("=", 2)
        raise Forbidden, "field #{field[0, 40].inspect} is not known" unless v && names.include?(name)
        raise Forbidden, "field #{name.inspect} stands twice" if all.key?(name)

        all[name] = v
      end
      names.each { |n| raise Forbidden, "field #{n.inspect} is missing" unless found.key?(n) }
      found
    end

    # The value of Quack-Shadow-Result.
    def result(id, outcome, reason)
      "v1;id=#{id};outcome=#{outcome};reason=#{reason};sig=#{sign('quack-result-v1', id, outcome, reason)}"
    end

    # The value of our member of the baggage, for what shadow id causes.
    def nested_mark(id) = "#{id}.#{sign('quack-nested-v1', id)}"

    # Our member of a baggage header, when it is there and verifies.
    def nested(baggage)
      baggage.to_s.split(",").each do |member|
        key, value = member.split(";", 2).first.to_s.split("=", 2).map(&:strip)
        next unless key == MEMBER && value

        value = Rack::Utils.unescape_path(value)
        id, _, sig = value.rpartition(".")
        return value if ID.match?(id) && signed?(sig, "quack-nested-v1", id)
      end
      nil
    end

    private

    def mac(secret, fields) = OpenSSL::HMAC.hexdigest("SHA256", secret, fields.join("\n"))
  end
end
