# frozen_string_literal: true

# The conformance app, in one file: what the suite of adapters/conformance asks
# every adapter's app for.
$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))

require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_mailer/railtie"
require "active_job/railtie"
require "quack_shadow"

class TestApp < Rails::Application
  config.load_defaults 6.1
  config.eager_load = true
  config.consider_all_requests_local = false
  config.secret_key_base = "of a test"
  config.log_level = :warn
  config.logger = Logger.new($stderr, level: :warn)
  config.hosts.clear
  config.active_job.queue_adapter = :async
  config.action_mailer.delivery_method = :counted
  config.quack_shadow.wall_cap = ENV["WALL_CAP_MS"].to_i if ENV["WALL_CAP_MS"]
end

# How many effects have really happened.
DONE = Hash.new(0)
DONE_LOCK = Mutex.new
def done(effect) = DONE_LOCK.synchronize { DONE[effect] += 1 }

class CountedDelivery
  attr_reader :settings

  def initialize(settings) = @settings = settings
  def deliver!(_mail) = done("mail")
end

ActionMailer::Base.add_delivery_method :counted, CountedDelivery
ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))

class Item < ActiveRecord::Base
  after_commit -> { done("callback") }, if: :announced
  attr_accessor :announced
end

class Child < ActiveRecord::Base; end

class OrderMailer < ActionMailer::Base
  def placed(name)
    mail(from: "shop@example.com", to: "a@example.com", subject: name, body: name, content_type: "text/plain")
  end
end

class ChargeJob < ActiveJob::Base
  def perform = done("job")
end

require_relative "controllers"

# Queries before the adapter sees the request, as nothing may.
class QueryBefore
  def initialize(app) = @app = app

  def call(env)
    Item.connection.execute("INSERT INTO notes VALUES (0)")
    @app.call(env)
  end
end

TestApp.initialize!

TestApp.routes.draw do
  get "up", to: "shop#up"
  get "count", to: "shop#count"
  get "items/:id", to: "shop#show"
  post "items", to: "shop#create"
  get "effects", to: "shop#done_effects"
  get "write", to: "shop#create"
  get "active", to: "shop#active"
  %w[transfer nested two deferred effects slow durable isolation beside apart sql].each { |name| post name, to: "shop##{name}" }
  post "stream", to: "stream#create"
  match "*path", to: "shop#nowhere", via: :all
end
