# frozen_string_literal: true

require_relative "app"
use QueryBefore if ENV["QUERY_BEFORE"]
run TestApp
