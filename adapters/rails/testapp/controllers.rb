# frozen_string_literal: true

class ShopController < ActionController::API
  rescue_from ActiveRecord::RecordNotUnique do
    render json: { error: "taken" }, status: :conflict
  end

  def up = head(:ok)
  def nowhere = render(json: { error: "not found" }, status: :not_found)
  def count = render(json: { items: Item.count, audits: audits, children: Child.count })
  def active = render(json: { active: QuackShadow.active? })

  def show
    item = Item.find_by(id: params[:id])
    item ? render(json: item) : nowhere
  end

  def create
    item = Item.create!(name: params[:name] || SecureRandom.hex)
    render json: item, status: request.get? ? :ok : :created
  end

  def transfer
    Item.transaction do
      Item.where(name: params[:from]).update_all(["qty = qty - ?", params[:qty].to_i])
      Item.where(name: params[:to]).update_all(["qty = qty + ?", params[:qty].to_i])
    end
    render json: {}
  rescue ActiveRecord::StatementInvalid => e
    raise unless e.cause.is_a?(PG::CheckViolation)

    render json: { error: "too much" }, status: :unprocessable_entity
  end

  def nested
    Item.transaction do
      Item.create!(name: params[:outer])
      Item.transaction(requires_new: true) do
        Item.create!(name: params[:inner])
        raise ActiveRecord::Rollback
      end
    end
    render json: { names: Item.where(name: params.values_at(:outer, :inner)).order(:id).pluck(:name) }, status: :created
  end

  def two
    Item.connection.execute("INSERT INTO items (name) VALUES (#{Item.connection.quote(params[:a])})")
    Item.connection.execute("INSERT INTO items (name) VALUES (#{Item.connection.quote(params[:b])})")
    render json: {}, status: :created
  rescue ActiveRecord::RecordNotUnique
    render json: { kept: Item.exists?(name: params[:a]) }, status: :conflict
  end

  def deferred
    Item.transaction { Child.create!(parent_id: params[:parent]) }
    render json: {}, status: :created
  rescue ActiveRecord::InvalidForeignKey
    render json: { error: "23503" }, status: :conflict
  end

  def effects
    Item.transaction do
      item = Item.create!(name: params[:name], announced: true)
      OrderMailer.placed(item.name).deliver_now
      ChargeJob.perform_later
    end
    render json: {}, status: :accepted
  end

  def done_effects = render(json: { mail: DONE["mail"], job: DONE["job"], callback: DONE["callback"] })

  def slow
    Item.create!(name: params[:name])
    Item.connection.execute("SELECT pg_sleep(#{params[:ms].to_i} / 1000.0)")
    render json: {}, status: :created
  end

  def durable
    Item.transaction { Item.create!(name: params[:name]) }
    render json: {}, status: :created
  end

  # Each thread has a connection of its own.
  def beside
    Item.create!(name: params[:name])
    seen = Thread.new { on_its_own { Item.exists?(name: params[:name]) } }.value
    render json: { seen: seen }, status: :created
  end

  def apart
    Item.transaction do
      Item.create!(name: params[:a])
      Thread.new { on_its_own { Item.transaction { Item.create!(name: params[:b]) } } }.join
    end
    render json: {}, status: :created
  end

  def isolation
    Item.transaction(isolation: params[:level].tr(" ", "_").to_sym) { Item.create!(name: params[:name] || SecureRandom.hex) }
    render json: {}, status: :created
  end

  def sql
    raw = Item.connection.raw_connection
    errors = params[:statements].map do |statement|
      params[:protocol] == "simple" ? raw.exec(statement) : raw.exec_params(statement, [])
      nil
    rescue PG::Error => e
      e.result&.error_field(PG::PG_DIAG_SQLSTATE) || e.message
    end
    render json: { errors: errors }
  end

  private

  def on_its_own = Item.connection_pool.with_connection { yield }

  def audits = Item.connection.select_value("SELECT count(*) FROM audits")
end

class StreamController < ActionController::API
  include ActionController::Live

  def create
    Item.create!(name: params[:name] || SecureRandom.hex)
    3.times { |i| response.stream.write("part #{i}\n") }
  ensure
    response.stream.close
  end
end
