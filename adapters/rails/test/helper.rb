# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))

require "minitest/autorun"
require "json"
require "quack_shadow"

VECTORS = JSON.parse(File.read(File.expand_path("../../../txshadow/testdata/vectors.json", __dir__)))
