-- API keys: those for endpoints, and those that callers show to the router. A key is a mounted file; its value stays in
-- the memory of the workers. A key's version is a keyed digest, so that records can distinguish two keys without their
-- values.

local api_key = require "core.http.api_key"
local clock = require "nginx.shared.clock"
local files = require "nginx.shared.files"

local ngx = ngx

local _M = {}

local VERSION_SALT = "poolkeeper key version" -- the same in all workers: they share what they learned of a key
local VERSION_LENGTH = 16

local credentials_dir, clients_dir
local found = {} -- path -> {value, version} or {missing = true}; since_ms, changed_ms (nil: as when it was first read)


function _M.init(credentials_path, clients_path)
  credentials_dir, clients_dir = credentials_path .. "/", clients_path .. "/"
end


local function load(path)
  local text = files.read(path)
  local value = text and api_key.of(text)
  local previous = found[path]
  if not value then
    if not previous or not previous.missing then
      found[path] = { missing = true, since_ms = clock.now_ms(), changed_ms = previous and clock.now_ms() }
    end
  elseif not previous or previous.value ~= value then
    local version = ngx.encode_base64(ngx.hmac_sha1(VERSION_SALT, value)):sub(1, VERSION_LENGTH)
    found[path] = { value = value, version = version, since_ms = clock.now_ms(), changed_ms = previous and clock.now_ms(),
                    bearer = "Bearer " .. value }
  end
  return found[path]
end


-- The key of an endpoint (nginx/endpoint/keyed.lua) as last looked at; an endpoint that wants none has an empty one.
-- {value, version, bearer} or {missing, since_ms}; changed_ms, once it has changed since this worker began.
local NONE = { value = "", version = "", since_ms = 0 }

function _M.of(endpoint)
  local path = endpoint.key_path
  if not path then
    return NONE
  end
  return found[path] or load(path)
end


function _M.path_of(endpoint)
  return endpoint.credential and credentials_dir .. endpoint.credential.file
end


-- clients: the digests of the keys that callers may show -> the caller's name

local SECRET_BYTES = 32

local MIN_CLIENT_KEY_BYTES = 8 -- a shorter one is guessed, not known

local client_names = {}
local client_problems = {} -- name -> why nobody can call as this client: {problem, since_ms, shared_with}
local secret


local function random_bytes()
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(SECRET_BYTES)
  source:close()
  return bytes
end


local function digest(value)
  secret = secret or random_bytes()
  return ngx.hmac_sha1(secret, value)
end


-- Two clients with one key: the first of the document has it. Who calls as whom must not depend on chance. A client's
-- key_version is that of its key now: another key may be in another hand.
local function load_clients(access)
  local names, problems = {}, {}
  for _, client in ipairs(access.clients) do
    local key = load(clients_dir .. client.key_file)
    local problem, shared_with
    if key.missing then
      problem = "Missing"
    elseif #key.value < MIN_CLIENT_KEY_BYTES then
      problem = "TooShort"
    else
      key.digest = key.digest or digest(key.value)
      shared_with = names[key.digest]
      problem = shared_with and "Shared"
    end
    if problem then
      problems[client.name] = { problem = problem, since_ms = key.since_ms, shared_with = shared_with }
    else
      names[key.digest] = client.name
      client.key_version = key.version
    end
  end
  client_names, client_problems = names, problems
end


-- Whose key is this? Digests under a secret of this process are compared, so no timing shows how much of a guess was
-- right.
function _M.client_of(value)
  return client_names[digest(value)]
end


-- The clients of a document whose key cannot be used, so that nobody can call as this client: {name, problem, since_ms,
-- shared_with}.
function _M.clients_without_key(doc)
  local without = {}
  for _, client in ipairs(doc.access.clients) do
    local seen = client_problems[client.name]
    if seen then
      without[#without + 1] =
        { name = client.name, problem = seen.problem, since_ms = seen.since_ms, shared_with = seen.shared_with }
    end
  end
  return without
end


-- Looks at all files of a document again.
function _M.refresh(doc)
  for _, endpoint in ipairs(doc.endpoints) do
    for _, keyed in ipairs(endpoint.keys) do
      if keyed.key_path then
        load(keyed.key_path)
      end
    end
  end
  if doc.access.mode == "Keys" then
    load_clients(doc.access)
  end
end


return _M
