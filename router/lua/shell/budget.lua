-- The retry budget of a pool: a token bucket over all its requests and workers. Each request pays in budget_percent of a
-- token, each further attempt takes one, and one that succeeds gives it back: what has to be limited is work in vain, and a
-- fail-over that answers is not. A total outage is so amplified by budget_percent at most; it starts with some tokens, so
-- that a quiet pool fails over too.

local state = require "shell.state"

local _M = {}

local KEY = "budget"
local START, CAP = 10, 100
local BATCH = 1 -- tokens a worker collects before it pays in

local unpaid = 0


function _M.begin()
  state.begin_count(KEY, START)
end


local function pay_in(amount)
  if state.count(KEY, amount) > CAP then
    state.set_count(KEY, CAP)
  end
end


function _M.deposit(budget_percent)
  unpaid = unpaid + budget_percent / 100
  if unpaid >= BATCH then
    pay_in(unpaid)
    unpaid = 0
  end
end


-- Takes a token for a further attempt, or does not.
function _M.withdraw()
  pay_in(unpaid)
  unpaid = 0
  if state.count(KEY, -1) >= 0 then
    return true
  end
  state.count(KEY, 1)
  return false
end


function _M.refund()
  pay_in(1)
end


return _M
