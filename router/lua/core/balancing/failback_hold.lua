-- Which tier a model stays on under failback Manual: the one that it had to go down to, until people say `failback`.
--
-- A tier is left for good only when all its endpoints are out (breaker not closed, key refused or missing). A backoff of
-- some seconds, or a full tier, is no reason. The command `failback` changes a token in the document, and a hold that was
-- made under another token is void. So the command can be repeated, reaches many routers, and also one that is down just
-- then.

local max = math.max

local _M = {}


function _M.new()
  return { tier = -1, token = "" }
end


-- The held tier under this token, or nil; of two (this router's own and the one in the document) the lower tier.
function _M.tier(record, token, published)
  local own = record.token == token and record.tier >= 0 and record.tier or nil
  return own and published and max(own, published) or own or published
end


-- first: the first tier that is meant to serve; first_well: the first with an endpoint that is not out, or nil. Gives the
-- same record when nothing changed.
function _M.step(record, held, first, first_well, token)
  if first_well and first_well > max(first, held or first) then
    return { tier = first_well, token = token }
  end
  return record
end


return _M
