# frozen_string_literal: true

Gem::Specification.new do |s|
  s.name = "quack_shadow"
  s.version = "0.1.0"
  s.summary = "Shadow requests of Quack in Rails: run for real, rolled back, counted"
  s.authors = ["The Quack authors"]
  s.license = "Apache-2.0"
  s.required_ruby_version = ">= 3.0"
  s.files = Dir["lib/**/*.rb"]
  s.add_dependency "activerecord", ">= 6.1"
  s.add_dependency "pg", ">= 1.1"
  s.add_dependency "rack", ">= 2.0"
end
