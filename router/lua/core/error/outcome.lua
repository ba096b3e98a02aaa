-- What each class of outcome does: to the request, to the breaker, to the endpoint. The design's table, as data.
--
-- request: "next" = another endpoint (needs: with this capability), "back" = the provider's answer goes to the caller,
-- "stop" = no time is left. counts: is it a failure for the breaker? is_fault: does it say something about the endpoint?
-- backoff: how (health/backoff.lua). again: may the same endpoint be asked once more, if it is the only one?

local _M = {}

_M.CLASSES = {
  Connect = { request = "next", is_fault = true, counts = true },
  ProxyFailed = { request = "next", is_fault = true, counts = true },
  Busy = { request = "next", is_fault = true, counts = true, backoff = "busy" },
  RateLimited = { request = "next", is_fault = true, counts = false, backoff = "limited" },
  ServerError = { request = "next", is_fault = true, counts = true, again = true },
  SlowFirstToken = { request = "next", is_fault = true, counts = true },
  Stalled = { request = "next", is_fault = true, counts = true },
  Truncated = { request = "next", is_fault = true, counts = true },
  Empty = { request = "next", is_fault = true, counts = false },
  Credential = { request = "next", is_fault = true, counts = false, backoff = "refused" },
  ModelMissing = { request = "next", is_fault = true, counts = false, backoff = "model" },
  ContextTooLong = { request = "next", needs = "LargeContext", is_fault = false, counts = false },
  Incompatible = { request = "next", is_fault = false, counts = false },
  ClientFault = { request = "back", is_fault = false, counts = false },
  Deadline = { request = "stop", is_fault = false, counts = false },
}

-- The backoff of an endpoint whose class sets none, by reason. A firewall's page says nothing of one request's endpoint;
-- pages for different requests in a row say that it blocks this router.
_M.BACKOFFS = { FirewallBlocked = "blocked" }

-- The backoff of a cold standby that is not up yet (core/request/cold_standby.lua), whatever
-- the class: short, and waited for.
_M.WAKING = "waking"

-- The reason of a pool that a request has come through before: this way leads back to it.
_M.LOOP = "PoolLoop"

-- The caller gets the answer of these when no other endpoint could do better: it says what to change, or is the only
-- answer.
_M.TELLING = { Empty = true, ContextTooLong = true, Incompatible = true, ClientFault = true }


-- Reasons that say more than their class to a person who has to do something about the endpoint.
local SAYS_MORE = { AddressRefused = true, CertificateInvalid = true, DnsFailed = true, InvalidAnswer = true,
                    ModelLoading = true, RedirectRefused = true, RequestTimeout = true, TlsFailed = true }


-- The word for people: why an endpoint failed.
function _M.cause(failure)
  return SAYS_MORE[failure.reason] and failure.reason or failure.class
end


-- May there be another attempt after one of this class? attempts: made so far.
function _M.goes_on(class, attempts, max_attempts)
  return _M.CLASSES[class].request == "next" and attempts < max_attempts
end


-- May the same request try an endpoint that failed like this again, once it is back?
function _M.may_return(class)
  return _M.CLASSES[class].backoff == "limited"
end


-- Does an endpoint that failed like this have a backoff that ends by itself?
function _M.has_rest(class)
  local backoff = _M.CLASSES[class].backoff
  return backoff == "limited" or backoff == "busy"
end


-- May the same endpoint get another attempt when there is no other? tries: how many it had for this request.
function _M.may_repeat(class, tries)
  return _M.CLASSES[class].again == true and tries == 1
end


return _M
