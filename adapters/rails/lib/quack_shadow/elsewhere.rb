# frozen_string_literal: true

module QuackShadow
  # What is done to a shadow's session by another one, when its own connection
  # can not be used.
  module Elsewhere
    module_function

    # SQL for a timestamptz as text that does not depend on settings.
    def instant(expr) = "pg_catalog.round(EXTRACT(epoch FROM #{expr})::numeric * 1000000)::bigint::text"

    # Ends the session and returns when the server has it no more. A pid alone
    # may be somebody else's by now. Raises when that can not be confirmed.
    def gone(parameters, pid, started, patience: 5)
      other = PG.connect(**parameters)
      which = "FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND #{instant('backend_start')} = $2"
      deadline = QuackShadow.clock + patience
      other.exec_params("SELECT pg_catalog.pg_terminate_backend(pid) #{which}", [pid, started])
      until other.exec_params("SELECT 1 #{which}", [pid, started]).ntuples.zero?
        raise Lost, "the session #{pid} does not end" if QuackShadow.clock > deadline

        sleep 0.002
      end
    ensure
      other&.finish
    end
  end
end
