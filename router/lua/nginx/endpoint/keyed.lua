-- An endpoint as one of its API keys makes it. What a provider says of a key or its account (401, 402, 429) is kept for each
-- key; all else (breaker, latency, connections, busy) is the endpoint's. An endpoint with one key, or none, is its own only
-- form.

local affinity = require "core.balancing.affinity"
local backoffs = require "nginx.endpoint.backoffs"
local credentials = require "nginx.endpoint.credentials"

local _M = {}

local SEED_PREFIX = "key " -- a key's seed must not be its endpoint's: else both would choose the same conversations


local function id_of(endpoint_id, credential)
  return endpoint_id .. "/" .. credential.file
end


-- Gives the endpoint `keys`: its forms, each with `whole`, the endpoint. number: its place in the list, for people; it may
-- change with the list. True where it has several. id: of the key, by where it comes from.
function _M.prepare(endpoint)
  endpoint.whole, endpoint.keys = endpoint, { endpoint }
  endpoint.key_path = credentials.path_of(endpoint)
  for i, credential in ipairs(endpoint.credentials or {}) do
    local id = id_of(endpoint.id, credential)
    local one = setmetatable({
      id = id, number = i, credential = credential, backoff_key = backoffs.key_of(id), seed = affinity.seed(SEED_PREFIX
      .. credential.file), weight = 1, in_flight = 0, limit = math.huge,
    }, { __index = endpoint })
    one.key_path, one.keys = credentials.path_of(one), { one }
    endpoint.keys[i] = one
  end
  return endpoint.keys[2] ~= nil
end


-- Adds the ids of the endpoint and of each of its keys to a set; the document need not be prepared.
function _M.add_ids(ids, endpoint)
  local id = endpoint.name .. "@" .. endpoint.fingerprint
  ids[id] = true
  for _, credential in ipairs(endpoint.credentials or {}) do
    ids[id_of(id, credential)] = true
  end
end


return _M
