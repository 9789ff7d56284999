# frozen_string_literal: true

module QuackShadow
  # What is done to a shadow's session by another one, when its own connection
  # can not be used.
  module Elsewhere
    # SQL for the instant at which the server was started.
    SERVER = "pg_catalog.pg_postmaster_start_time()"

    module_function

    # SQL for a timestamptz as text that does not depend on settings.
    def instant(expr) = "pg_catalog.round(EXTRACT(epoch FROM #{expr})::numeric * 1000000)::bigint::text"

    # Seconds that the end of a session is looked for, and from a look that has
    # failed to the next one.
    PATIENCE = 2
    RETRY = 0.05

    # Ends the session and returns when the server has it no more, nor what it may
    # have prepared. Raises when that can not be confirmed: Unreachable when there
    # is no server to ask. One that has crashed is asked again while it recovers.
    def gone(parameters, session)
      deadline = QuackShadow.clock + PATIENCE
      begin
        asking(parameters) { |other| gone_now(other, session, deadline) }
      rescue OtherServer
        raise
      rescue Unreachable
        raise if QuackShadow.clock > deadline

        sleep RETRY
        retry
      end
    end

    # Yields a new connection.
    def asking(parameters)
      begin
        other = PG.connect(**parameters)
      rescue PG::Error => e
        raise Unreachable, e.message
      end
      yield other
    rescue PG::Error => e
      raise if other.nil? || other.status == PG::CONNECTION_OK

      raise Unreachable, e.message
    ensure
      other&.finish
    end

    # A pid alone may be somebody else's by now.
    def gone_now(other, session, deadline)
      which = "FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND #{instant('backend_start')} = $2"
      same = "#{instant(SERVER)} = $3"
      of = [session.pid, session.started, session.server]
      other.exec_params("SELECT pg_catalog.pg_terminate_backend(pid) #{which} AND #{same}", of)
      loop do
        count, here = other.exec_params("SELECT count(*), #{same} #{which}", of).values.first
        raise OtherServer, "another server answers than that of the session #{session.pid}" unless here == "t"
        break if count == "0"
        raise Lost, "the session #{session.pid} does not end" if QuackShadow.clock > deadline

        sleep 0.002
      end
      return unless session.gid

      other.exec(Prepared::WITHOUT_STANDBYS)
      Prepared.settle(->(sql) { [other.exec(sql)] }, session.gid, session.xid)
    end
  end
end
