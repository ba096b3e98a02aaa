-- Whether a router.json is valid, and its content with Lua's names. The same contract as the operator's
-- api/router_document.py. Unknown members are refused, because a document half understood is worse than yesterday's.

local schema = require "core.document.schema"

local integer, text, one_of = schema.integer, schema.text, schema.one_of
local list, object, nullable = schema.list, schema.object, schema.nullable

local _M = {}

local FORMAT = 1
local COUNT_MAX, HOUR_MS = 10000, 3600000
local NO_LIMIT_MS = 24 * HOUR_MS -- what a time limit of 0 ("none") is here: longer than anything else lets a request live
local NAME_MAX, MODEL_MAX, TEXT_MAX = 63, 128, 4096

local BOOLEAN = schema.BOOLEAN
local PERCENT, COUNT, DURATION_MS = integer(0, 100), integer(0, COUNT_MAX), integer(0, HOUR_MS)
local LIMIT_MS = schema.limit(DURATION_MS, NO_LIMIT_MS)
local NAME = text(1, NAME_MAX, "^[%w][%w%.%-_]*$")
local FINGERPRINT = text(1, 128, "^[%w%-_]+$")
local MODEL = text(1, MODEL_MAX, "^[^%c]+$")
-- below one folder: nothing that could climb out of it
local FILE = text(1, 253, "^[%w_][%w%.%-_]*$")
local HOST = text(1, 253, "^[%w%.%-_:]+$")
local SOURCE = text(0, TEXT_MAX)

local DAY = one_of("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
local ZONE = text(1, 64, "^[%w_+/-]+$")
local DAY_NUMBER = integer(-800000, 3000000) -- since 1970: years of four digits
local SPANS = list(object({ first_day = DAY_NUMBER, last_day = DAY_NUMBER }), 0, 1000)
local CALENDAR_NAMES = nullable(list(NAME, 0, 8))
local WINDOWS = list(object({
  days = list(DAY, 1, 7), from_minute = integer(0, 1439), to_minute = integer(0, 1440), time_zone = ZONE,
  percent = integer(0, 1000), dates = nullable(SPANS), calendars = CALENDAR_NAMES,
  except_dates = nullable(SPANS), except_calendars = CALENDAR_NAMES,
}), 0, 16)
local PRICE = text(1, 19, "^%d+%.?%d*$")

local JSON_TEXT = text(1, TEXT_MAX, "^[^%c]+$")
local PARAMETERS = list(object({
  path = text(1, 128, "^[%w_%-%.]+$"), set = nullable(JSON_TEXT), default = nullable(JSON_TEXT),
  maximum = nullable(integer(0, 2 ^ 53)), remove = BOOLEAN,
  surfaces = list(one_of("chat", "completions", "messages", "responses"), 0, 4),
}), 0, 32)

local CREDENTIAL = object({ file = FILE, source = SOURCE })

local ENDPOINT = object({
  name = NAME,
  fingerprint = FINGERPRINT,
  provider = text(1, 64, "^%w+$"),
  tier = integer(0, 9),
  weight = integer(0, 1000),
  mode = one_of("Active", "Draining", "Disabled", "Forbidden", "Asleep", "Waking", "ScaledToZero"),
  scheme = one_of("http", "https"),
  host = HOST,
  port = integer(1, 65535),
  path = text(0, 1024, "^[%w%.%-_~/%%!$&'()*+,;=:@]*$"),
  tls = nullable(object({ server_name = HOST, ca_file = nullable(FILE) })),
  egress_proxy = nullable(object({ host = HOST, port = integer(1, 65535) })),
  credential = nullable(CREDENTIAL),
  credentials = nullable(list(CREDENTIAL, 0, 16)),
  max_connections = integer(0, COUNT_MAX),
  base_latency_ms = integer(0, HOUR_MS),
  models = list(object({
    name = MODEL, upstream_name = MODEL, aliases = nullable(list(MODEL, 0, 16)), parameters = PARAMETERS,
  }), 0, 64),
  headers = list(object({
    name = text(1, 64, "^[%l%d][%l%d%-]*$"), value = nullable(text(1, 256, "^[\32-\126]+$")),
  }), 0, 16),
  capabilities = list(text(1, 64, "^%w+$"), 0, 32),
  lacks = list(one_of("tools", "images", "audio", "schema"), 0, 4),
  region = text(0, 256),
  advice = nullable(object({
    weight_percent = PERCENT, reason = text(0, 64, "^%w*$"), since_ms = integer(0, 2 ^ 53), until_ms = integer(0, 2 ^ 53),
  })),
  schedule = WINDOWS,
  pricing = nullable(object({
    currency = text(3, 3, "^%u%u%u$"), input_per_million = PRICE, cached_input_per_million = nullable(PRICE),
    output_per_million = PRICE, windows = WINDOWS,
  })),
})

local POLICY = object({
  health_check = object({
    type = one_of("Auto", "TCP", "Models", "Completion", "None"), interval_ms = DURATION_MS,
    timeout_ms = integer(1, HOUR_MS), unhealthy_threshold = integer(1, COUNT_MAX), healthy_threshold = integer(1, COUNT_MAX),
  }),
  circuit_breaker = object({
    error_rate_percent = PERCENT, sliding_window_ms = DURATION_MS, minimum_requests = COUNT,
    consecutive_failures = COUNT, recovery_timeout_ms = DURATION_MS, max_recovery_timeout_ms = DURATION_MS,
    half_open_max_requests = COUNT,
  }),
  retry = object({
    max_attempts = COUNT, budget_percent = PERCENT, honor_retry_after = BOOLEAN,
    busy_backoff_ms = list(DURATION_MS, 0, 16), tier_wait_ms = DURATION_MS,
  }),
  timeouts = object({
    connect_ms = LIMIT_MS, first_token_ms = LIMIT_MS, inter_token_ms = LIMIT_MS, request_ms = LIMIT_MS,
  }),
  balancing = object({
    algorithm = one_of("Dynamic", "PowerOfTwo", "RoundRobin"), slow_start_ms = DURATION_MS,
    price_weight_percent = PERCENT,
    affinity = nullable(object({
      mode = one_of("Header", "Prefix"), header = text(1, 64, "^[%w%-]+$"), ttl_ms = integer(0, NO_LIMIT_MS),
    })),
  }),
  substitution = nullable(one_of("Report", "NextEndpoint")),
  streaming = object({
    recovery = one_of("Continue", "Restart", "Error"), whole_answers = one_of("Stream", "AsAsked"),
    stall = one_of("Fixed", "Adaptive"),
  }),
  concurrency = object({ mode = one_of("Static", "Adaptive") }),
  queue = nullable(object({ max_wait_ms = integer(1, HOUR_MS), max_depth = integer(1, COUNT_MAX) })),
  tiers = object({ spill = one_of("Strict", "Proportional") }),
  failback = object({
    mode = one_of("Automatic", "Manual"), stabilization_ms = DURATION_MS, told_at = text(0, 64, "^[%w:%.+-]+$"),
    held = list(object({ model = MODEL, tier = integer(0, 9) }), 0, 64),
  }),
  hedging = nullable(object({ after_percentile = PERCENT, budget_percent = PERCENT })),
  context_recovery = nullable(object({ keep_turns = COUNT })),
  global_breaker = nullable(object({
    error_rate_percent = PERCENT, sliding_window_ms = DURATION_MS, minimum_requests = COUNT,
    recovery_timeout_ms = DURATION_MS, half_open_max_requests = COUNT,
  })),
  fallback = object({
    degraded_model = text(0, MODEL_MAX, "^[^%c]+$"), cache_ttl_ms = integer(0, 24 * HOUR_MS),
    cache_bytes = integer(0, 2 ^ 53), default_response = text(0, TEXT_MAX), format = one_of("Error", "Completion"),
  }),
})

local DOCUMENT = object({
  format = integer(FORMAT, FORMAT),
  pool = text(1, 256, "^[%w%.%-_/]+$"),
  id = nullable(text(1, 64, "^[%l%d]+$")),
  generation = integer(1, 2 ^ 53),
  hash = text(1, 128, "^[%w]+$"),
  allow_loopback = BOOLEAN,
  models = list(MODEL, 1, 64),
  endpoints = list(ENDPOINT, 0, 32),
  policy = POLICY,
  log_percent = nullable(PERCENT),
  access = object({
    mode = one_of("Open", "Keys"),
    clients = list(object({
      name = NAME, key_file = FILE, source = SOURCE, priority = COUNT, max_connections = integer(1, COUNT_MAX),
      allowed_models = nullable(list(MODEL, 0, 64)), allowed_endpoints = nullable(list(NAME, 0, 32)),
      debug = nullable(BOOLEAN),
    }), 0, COUNT_MAX),
    cors = nullable(object({
      origins = list(text(1, 300, "^[%w%*%+%.%-:/%[%]]+$"), 1, 64), headers = list(text(1, 64, "^[%w%-]+$"), 0, 64),
      max_age_s = integer(0, 86400),
    })),
  }),
  failover_to_tier = nullable(integer(0, 9)),
  outages = nullable(object({
    told_at_ms = integer(0, 2 ^ 53),
    endpoints = list(object({
      endpoint = NAME, fingerprint = FINGERPRINT, model = text(0, MODEL_MAX, "^[^%c]+$"), reason = text(0, 64, "^%w*$"),
    }), 0, COUNT_MAX),
  })),
  answered = nullable(list(object({
    endpoint = NAME, fingerprint = FINGERPRINT, model = MODEL, probed_at_ms = integer(0, 2 ^ 53),
  }), 0, COUNT_MAX)),
  calendars = nullable(list(object({ name = NAME, spans = SPANS }), 0, 8)),
  time_zones = list(object({
    name = ZONE, offsets = list(object({ since_s = integer(0, 2 ^ 40), offset_s = integer(-86400, 86400) }), 1, 1000),
  }), 0, 1024),
})


local function duplicate(items, what)
  local seen = {}
  for _, item in ipairs(items) do
    local name = type(item) == "table" and item.name or item
    if seen[name] then
      return ("%s: %s occurs twice"):format(what, name)
    end
    seen[name] = true
  end
end


local function unknown_zone(windows, zones)
  for _, window in ipairs(windows) do
    if not zones[window.time_zone] then
      return window.time_zone
    end
  end
end


local function unknown_calendar(windows, calendars)
  for _, window in ipairs(windows) do
    for _, names in ipairs({ window.calendars or {}, window.except_calendars or {} }) do
      for _, name in ipairs(names) do
        if not calendars[name] then
          return name
        end
      end
    end
  end
end


-- What a schema of single values cannot say.
local function contradiction(doc)
  local known = {}
  for _, model in ipairs(doc.models) do
    known[model] = true
  end
  local zones = {}
  for _, zone in ipairs(doc.time_zones) do
    zones[zone.name] = true
  end
  local calendars = {}
  for _, one in ipairs(doc.calendars or {}) do
    calendars[one.name] = true
  end
  for _, endpoint in ipairs(doc.endpoints) do
    local where = "endpoints." .. endpoint.name
    local nameless = unknown_calendar(endpoint.schedule, calendars)
      or endpoint.pricing and unknown_calendar(endpoint.pricing.windows, calendars)
    if nameless then
      return ("%s: the calendar %s is none of calendars"):format(where, nameless)
    end
    local unknown = unknown_zone(endpoint.schedule, zones)
      or endpoint.pricing and unknown_zone(endpoint.pricing.windows, zones)
    if unknown then
      return ("%s: the time zone %s is none of timeZones"):format(where, unknown)
    end
    if endpoint.scheme == "https" and not endpoint.tls then
      return where .. ".tls: wanted, because the scheme is https"
    end
    for _, route in ipairs(endpoint.models) do
      if not known[route.name] then
        return ("%s.models: %s is none of the pool's models"):format(where, route.name)
      end
    end
    local twice = duplicate(endpoint.models, where .. ".models")
    if twice then
      return twice
    end
  end
  return duplicate(doc.models, "models") or duplicate(doc.endpoints, "endpoints")
    or duplicate(doc.access.clients, "access.clients")
end


-- value: the decoded document; null: how the decoder says null. The document in Lua's names, or nil and what is wrong.
function _M.read(value, null)
  if type(value) ~= "table" then
    return nil, "document: wanted a JSON object"
  end
  if value.format ~= FORMAT then
    return nil, ("format: seen %s, wanted %d; this router is of another version than the operator")
      :format(tostring(value.format), FORMAT)
  end
  local doc, err = schema.read(DOCUMENT, value, "", null)
  if not doc then
    return nil, err
  end
  err = contradiction(doc)
  if err then
    return nil, err
  end
  return doc
end


-- May candidate take over from current (nil: none yet)? Generations only grow, within one pool.
function _M.succeeds(candidate, current)
  if current and candidate.pool == current.pool and candidate.generation < current.generation then
    return nil, ("generation: seen %d, wanted at least %d, which is being served")
      :format(candidate.generation, current.generation)
  end
  return true
end


return _M
