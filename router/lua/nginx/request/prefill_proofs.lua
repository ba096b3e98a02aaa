-- Which endpoints have proved that they continue an answer whose beginning they are given (core/request/prefill_proof.lua):
-- asked once for each model, right before an answer is to be continued there for the first time. Servers are replaced, so
-- what is known is not for ever. While nothing is proved, answers are generated again there, which never joins two turns.

local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local credentials = require "nginx.endpoint.credentials"
local headers = require "core.request.headers"
local http_client = require "nginx.upstream.http_client"
local metrics = require "nginx.shared.metrics"
local notices = require "nginx.endpoint.notices"
local prefill_proof = require "core.request.prefill_proof"

local ngx = ngx
local now_ms = clock.now_ms

local _M = {}

local KNOWN_MS = 3600000
local DOUBT_MS = 10000 -- an endpoint that did not answer is asked again after that
local ANSWER_MS = 5000 -- so long a caller of a broken answer waits for the proof
local ANSWER_MAX_BYTES = 65536
local LOOK_S = 0.02

local LINES = "\r\nUser-Agent: poolkeeper-proof\r\nContent-Type: application/json"

-- endpoint's id and model -> {continues, until_ms, asked_until_ms}. A caller that leaves ends its question, so one that has
-- no answer in its time counts as none.
local proofs = {}


-- true, false, or nil where the answer says neither.
local function ask(endpoint, key, model, connect_ms, deadline_ms, allow_loopback)
  local conn = http_client.connect(endpoint, connect_ms, deadline_ms, allow_loopback, true)
  if not conn then
    return nil
  end
  local place, own, body = endpoint.places.chat, endpoint.own_headers, prefill_proof.body(model)
  local status = conn:exchange({
    "POST ", endpoint.origin, place.path, " HTTP/1.1\r\nHost: ", endpoint.authority,
    key.bearer and place.key_line or "", key.bearer and key[place.key_member] or "",
    own and headers.with_own(LINES, own) or LINES, "\r\nContent-Length: ", #body, "\r\n\r\n", body,
  }, deadline_ms, deadline_ms)
  if not status then
    conn:close()
    return nil
  end
  local text, is_whole = conn:read_body(ANSWER_MAX_BYTES, deadline_ms)
  if status >= 400 and status < 500 and status ~= 429 and status ~= 408 then
    return false -- it takes no such request
  end
  if status ~= 200 or not is_whole then
    return nil
  end
  return prefill_proof.continues(cjson.decode(text))
end


local function find_out(proof, attempt, deadline_ms, allow_loopback)
  local endpoint, key = attempt.endpoint, credentials.of(attempt.keyed)
  proof.asked_until_ms = deadline_ms
  local connect_ms = attempt.policy.timeouts.connect_ms
  local continues = ask(endpoint, key, attempt.route.upstream_name, connect_ms, deadline_ms, allow_loopback)
  proof.asked_until_ms, proof.continues = 0, continues
  proof.until_ms = now_ms() + (continues == nil and DOUBT_MS or KNOWN_MS)
  local result = continues and "Continues" or continues == nil and "Unclear" or "BeginsAnew"
  metrics.count(metrics.series("poolkeeper_prefill_proofs_total", endpoint.name, result))
  if continues then
    notices.forget(endpoint, attempt.model)
  elseif continues == false then
    notices.note(endpoint, attempt.model, notices.BEGINS_ANEW)
    ngx.log(ngx.WARN, "the endpoint ", endpoint.name, " does not continue answers of ", attempt.model,
            ": asked to continue a list, it began a new turn. Answers that break off are generated again there")
  end
end


-- Has the endpoint of an attempt proved that it continues answers of the attempt's model? Asks it where that is not known,
-- and waits for that until deadline_ms at most.
function _M.continues(attempt, deadline_ms, allow_loopback)
  local key = attempt.endpoint.id .. "\0" .. attempt.model
  local proof = proofs[key]
  deadline_ms = math.min(deadline_ms, now_ms() + ANSWER_MS)
  if not proof then
    proof = { continues = nil, until_ms = 0, asked_until_ms = 0 }
    proofs[key] = proof
  end
  if proof.until_ms <= now_ms() and proof.asked_until_ms <= now_ms() then
    find_out(proof, attempt, deadline_ms, allow_loopback)
  end
  while proof.asked_until_ms > now_ms() and now_ms() < deadline_ms do
    ngx.sleep(LOOK_S)
  end
  return proof.continues == true
end


return _M
