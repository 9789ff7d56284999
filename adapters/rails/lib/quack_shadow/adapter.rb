# frozen_string_literal: true

require_relative "slots"

module QuackShadow
  # Runs shadow requests in this process.
  class Adapter
    attr_reader :config, :codec, :sessions, :sentry, :sweeper

    def initialize(config)
      @config = config
      @codec = Codec.new(Secrets.parse(config.secret))
      @sessions = Sessions.new(config)
      @sentry = Sentry.new(self)
      @sweeper = Sweeper.new(self)
      @writing = Slots.new(config.max_shadows)
      @reading = Slots.new(config.max_shadows)
    end

    def log(level, text) = config.logger.public_send(level, "quack_shadow: #{text}")

    # Runs app for a shadow that has been verified, and returns the answer with
    # its acknowledgement, after the server has confirmed the rollback.
    def run(app, env, marked)
      shadow = Shadow.new(self, marked, limit(marked))
      slots = shadow.readonly? ? @reading : @writing
      return nothing_run(marked, "unsupported:busy") unless slots.take(shadow.readonly? ? shadow.left : 0)

      reason = armed(shadow)
      if reason
        slots.give
        return nothing_run(marked, reason)
      end
      handling = Handling.new(self, shadow, app, env, -> { slots.give })
      shadow.note(shadow.waiting? ? "unsupported:concurrent-transactions" : "budget") unless handling.wait(shadow.left)
      acknowledge(marked, shadow, shadow.finish, handling.answer)
    end

    private

    # How long the transaction may stay open.
    def limit(marked)
      most = marked.readonly? ? config.read_cap : config.wall_cap
      marked.budget.between?(1, most) ? marked.budget : most
    end

    # Opens the session of a shadow that writes; a reading one does that with its
    # first statement. Returns why nothing has been run.
    def armed(shadow)
      shadow.attach unless shadow.readonly?
      nil
    rescue Session::Serializable => e
      log(:warn, "shadow write #{shadow.id} was not run: #{e.message}")
      "unsupported:isolation"
    rescue StandardError => e
      log(:error, "shadow write #{shadow.id} was not run: #{Hello.advice(e)}")
      shadow.left.negative? ? "budget" : "unsupported:arm"
    end

    def nothing_run(marked, reason)
      acknowledge(marked, nil, Ending::Outcome.new(true, reason), nil)
    end

    # Without an acknowledgement when the rollback could not be confirmed: with 503
    # when that is because there is no server to ask, so that Quack takes it for
    # unconfirmed; else, and for every escape, with a status that nothing between
    # here and Quack answers with for reasons of its own.
    def acknowledge(marked, shadow, outcome, answer)
      unless outcome.rolled_back
        why = outcome.reason ? " (#{outcome.reason})" : ""
        return Answer.plain(outcome.away? ? 503 : 500, "quack_shadow: the rollback could not be confirmed#{why}").response
      end
      reason = outcome.reason || (answer&.too_long? ? "unsupported:answer-size" : nil)
      answer ||= Answer.plain(503, "quack_shadow: nothing to compare: #{reason}")
      headers = { "Quack-Shadow-Result" => codec.result(marked.id, "rolled-back", reason.to_s) }
      headers["Quack-Footprint"] = Footprint.format(outcome.tables, shadow.effects.to_h) if outcome.tables
      answer.response(headers)
    end
  end
end
