# frozen_string_literal: true

require "digest"

module QuackShadow
  # An answer, kept until the transaction has been rolled back.
  class Answer
    # Takes what an application has returned, to the end. note is called with a
    # reason when it can not be kept.
    def self.collect(response, limit, note)
      status, headers, body = response
      answer = new(status.to_i, headers.to_h, limit)
      if answer.headers.delete("rack.hijack") || body.respond_to?(:call) && !body.respond_to?(:each)
        note.call("unsupported:hijack")
      else
        body.each { |part| answer << part }
      end
      answer
    ensure
      body.close if body.respond_to?(:close)
    end

    # One of our own.
    def self.plain(status, text)
      new(status, { "Content-Type" => "text/plain; charset=utf-8" }, text.bytesize + 1) << "#{text}\n"
    end

    attr_reader :headers

    def initialize(status, headers, limit)
      @status = status
      @headers = headers.reject { |name, _| name.downcase.start_with?("quack-") }
      @limit = limit
      @size = 0
      @parts = []
      @sum = Digest::SHA256.new
    end

    def <<(part)
      @size += part.bytesize
      @sum << part
      too_long? ? @parts.clear : @parts << part
      self
    end

    def too_long? = @size > @limit

    # As Rack wants it, with more headers. A body that was too long to keep is
    # left out; Repr-Digest (RFC 9530) speaks for it.
    def response(more = {})
      headers = @headers.merge(more)
      if too_long?
        headers.delete_if { |name, _| %w[content-length transfer-encoding].include?(name.downcase) }
        headers["Repr-Digest"] = "sha-256=:#{[@sum.digest].pack('m0')}:"
      end
      [@status, headers, @parts]
    end
  end
end
