-- The document: how router.json becomes what every worker serves by. Worker 0 reads the file four times a second and
-- publishes what core/document/config.lua accepts; every worker loads it when the epoch has changed. A refused document
-- is reported in /state, and the router keeps serving with the last good one: from memory and, after a restart, from a
-- copy in the run folder.

local affinity = require "core.balancing.affinity"
local retry_budget = require "nginx.balancing.retry_budget"
local health_records = require "nginx.endpoint.health_records"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local config = require "core.document.config"
local declared = require "core.metrics.declared"
local files = require "nginx.shared.files"
local headers = require "core.request.headers"
local parameters = require "core.request.parameters"
local route = require "core.request.route"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local scan = require "core.json.scan"
local queue_heads = require "nginx.balancing.queue_heads"
local credentials = require "nginx.endpoint.credentials"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local surface = require "core.protocol.surface"
local surface_support = require "core.request.surface_support"
local known_outages = require "nginx.endpoint.known_outages"
local queue = require "core.balancing.queue"
local backoffs = require "nginx.endpoint.backoffs"
local keyed = require "nginx.endpoint.keyed"
local breakers = require "nginx.endpoint.breakers"
local series_store = require "nginx.shared.series_store"
local service_times = require "nginx.endpoint.service_times"
local state = require "nginx.shared.state"
local tariff = require "core.document.tariff"
local egress_proxy = require "nginx.upstream.egress_proxy"
local turn = require "nginx.shared.turn"

local ngx = ngx

local _M = {}

local FILE = "/router.json"
local LAST_GOOD = "/last-good.json"

local config_dir, run_dir
local current, current_text, current_epoch -- this worker's
local changes_with_time = false
local documents = setmetatable({}, { __mode = "k" }) -- the present one, and those that requests began by
local seen_text -- of the file, whatever it was worth


function _M.init(config_path, run_path)
  config_dir, run_dir = config_path, run_path
end


local function parse(text)
  local value, err = cjson.decode(text)
  if value == nil then
    return nil, "router.json: no JSON: " .. err
  end
  return config.read(value, cjson.null)
end


-- Makes an endpoint ready for use: what a request would else have to build.
local function prepare_endpoint(endpoint, doc)
  endpoint.id = endpoint.name .. "@" .. endpoint.fingerprint
  endpoint.backoff_key = backoffs.key_of(endpoint.id)
  doc.has_several_keys = keyed.prepare(endpoint) or doc.has_several_keys
  health_records.prepare(endpoint, doc.policy.health_check)
  endpoint.places = surface_support.of(endpoint.provider, endpoint.path)
  endpoint.is_pool = endpoint.provider == "Poolkeeper"
  endpoint.limit_keys = concurrency_limits.keys_of(endpoint.id)
  endpoint.heads = queue_heads.names(endpoint, doc.access.priorities)
  endpoint.pools = {}
  endpoint.routes, endpoint.model_names, endpoint.all_asked = {}, {}, {}
  for i, model in ipairs(endpoint.models) do
    endpoint.model_names[i] = model.name
    endpoint.all_asked[i] = surface.asked(surface.CHAT, model.name)
    endpoint.routes[model.name] = {
      quoted_name = scan.quote(model.upstream_name), upstream_name = model.upstream_name,
      circuit = breakers.name(endpoint, model.name), aliases = model.aliases or {},
      parameters = parameters.prepare(model.parameters),
    }
  end
  endpoint.own_headers = headers.prepare(endpoint.headers)
  endpoint.can = {}
  for _, capability in ipairs(endpoint.capabilities) do
    endpoint.can[capability] = true
  end
  endpoint.can.BetaSurface = endpoint.places.prefix ~= nil
  endpoint.policy = doc.policy
  local advice = endpoint.advice
  if advice then
    advice.since_ms, advice.until_ms = clock.own_ms(advice.since_ms), clock.own_ms(advice.until_ms)
  end
  local default_port = endpoint.scheme == "https" and 443 or 80
  local host = endpoint.host:find(":", 1, true) and "[" .. endpoint.host .. "]" or endpoint.host
  endpoint.authority = endpoint.port == default_port and host or host .. ":" .. endpoint.port
  egress_proxy.prepare(endpoint)
  endpoint.candidate = { endpoint = endpoint, name = endpoint.name, tier = endpoint.tier, weight = endpoint.weight,
                         base_latency_ms = endpoint.base_latency_ms, seed = affinity.seed(endpoint.name) }
end


local function prepare_policy(policy)
  policy.tiers.is_proportional = policy.tiers.spill == "Proportional"
  policy.is_adaptive = policy.concurrency.mode == "Adaptive"
  policy.failback.is_manual = policy.failback.mode == "Manual"
  policy.failback.held_tiers = {}
  for _, held in ipairs(policy.failback.held) do
    policy.failback.held_tiers[held.model] = held.tier
  end
end


local function prepare_access(access)
  access.anybody = { name = "", priority = 0 }
  access.by_name = {}
  access.priorities = queue.priorities(access.clients)
  for _, client in ipairs(access.clients) do
    client.slot_id = "client:" .. client.name
    access.by_name[client.name] = client
    route.prepare(client)
  end
end


local function prepare(doc, before)
  doc.serves = {} -- model -> true
  for _, model in ipairs(doc.models) do
    doc.serves[model] = true
  end
  prepare_access(doc.access)
  route.prepare_endpoints(doc)
  for _, endpoint in ipairs(doc.endpoints) do
    prepare_endpoint(endpoint, doc)
  end
  prepare_policy(doc.policy)
  doc.guard_policy = pool_breaker.policy_of(doc)
  doc.log_percent = doc.log_percent or 100
  doc.bounds, doc.first_choices = declared.bounds(doc), {}
  for _, endpoint in ipairs(doc.endpoints) do
    endpoint.bounds = doc.bounds
  end
  doc.changes_with_time = tariff.prepare(doc)
  service_times.begin(doc, before)
  return doc
end


local function take_up(text)
  if text and text ~= current_text then
    current_text = text
    current = prepare(parse(text), current)
    for older in pairs(documents) do
      route.renew(older, current)
    end
    documents[current] = true
    changes_with_time = current.changes_with_time
    credentials.refresh(current)
  end
end


-- The document this worker serves by, or nil before the first. Reads one shared number when nothing has changed.
function _M.current()
  local epoch = state.epoch()
  if epoch ~= current_epoch then
    current_epoch = epoch
    take_up(state.document())
  end
  if changes_with_time then
    tariff.refresh(current, clock.wall_ms())
  end
  return current
end


local function forget_the_gone(doc)
  local ids = {}
  for _, endpoint in ipairs(doc.endpoints) do
    keyed.add_ids(ids, endpoint)
  end
  breakers.sweep(ids)
  backoffs.sweep(ids)
  health_records.sweep(ids)
end


local function refuse(text, message)
  local generation = tonumber(text:match('"generation"%s*:%s*(%d+)')) or 0
  state.refuse(cjson.encode({ generation = generation, message = message }))
  ngx.log(ngx.WARN, "router.json refused: ", message)
end


-- Every series that the document bounds is there before it is served. pause(): lets others have their turn.
local function declare_series(text, pause)
  local doc, names = prepare(parse(text)), {}
  declared.each(doc, doc.bounds, function(series)
    names[series] = true
    series_store.declare(series)
  end, pause)
  series_store.sweep(function(series)
    return names[series] or not series:find('[{,]endpoint="') and not series:find('[{,]from="')
  end)
  return doc.bounds
end


-- is_first: this router has served nothing yet. is_copy: the text is the one that was kept.
local function take(text, is_first, is_copy, pause)
  local doc, err = parse(text)
  local published = state.document()
  local ok = doc ~= nil
  if ok then
    ok, err = config.succeeds(doc, published and parse(published))
  end
  if not ok then
    refuse(text, err)
    return false
  end
  retry_budget.begin()
  if is_first then
    known_outages.begin(doc, clock.now_ms())
  end
  local bounds = declare_series(text, pause)
  state.publish(text)
  forget_the_gone(doc)
  breakers.probes_passed(doc.answered or {}, bounds, clock.now_ms())
  if not is_copy then
    local written, write_err = files.write(run_dir .. LAST_GOOD, text)
    if not written then
      ngx.log(ngx.WARN, "the last good document could not be kept: ", write_err)
    end
  end
  return true
end


local function look(is_first, pause)
  local text = files.read(config_dir .. FILE)
  if text and text ~= seen_text then
    seen_text = text
    take(text, is_first, false, pause)
  end
end


local is_polling = false -- a look may take several turns, and the next one comes by the clock

-- Looks at the file; does nothing when it is as it was.
function _M.poll()
  if is_polling then
    return
  end
  is_polling = true
  local ok, err = pcall(look, not state.document(), turn.pause)
  is_polling = false
  if not ok then
    error(err, 0)
  end
end


local function no_pause()
end


-- At start, before there are workers: the kept document first, because the mounted one may be bad or older than it.
function _M.start()
  local is_first = not state.document()
  local kept = files.read(run_dir .. LAST_GOOD)
  if kept then
    take(kept, false, true, no_pause)
  end
  look(is_first, no_pause)
end


return _M
