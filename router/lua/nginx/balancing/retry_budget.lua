-- What a pool may spend on asking more than once: token buckets over all its requests and workers. Each request pays in a
-- part of a token, each further attempt takes one, and one that succeeds gives it back: what has to be limited is work in
-- vain, and a fail-over that answers is not. A total outage is so amplified by the budget at most; it starts with some
-- tokens, so that a quiet pool fails over too. Hedges have a bucket of their own.

local state = require "nginx.shared.state"

local _M = {}
local bucket = {}
bucket.__index = bucket

local BATCH = 1 -- tokens a worker collects before it pays in


local function pay_in(self, amount)
  if state.count(self.key, amount) > self.cap then
    state.note(self.key, self.cap)
  end
end


function bucket:deposit(percent)
  self.unpaid = self.unpaid + percent / 100
  if self.unpaid >= BATCH then
    pay_in(self, self.unpaid)
    self.unpaid = 0
  end
end


-- Takes a token for a further attempt, or does not.
function bucket:withdraw()
  pay_in(self, self.unpaid)
  self.unpaid = 0
  if state.count(self.key, -1) >= 0 then
    return true
  end
  state.count(self.key, 1)
  return false
end


function bucket:refund()
  pay_in(self, 1)
end


-- What was given back for an answer that broke off after all; where it is spent already, it is owed.
function bucket:take_back()
  if state.count(self.key, -1) < -self.cap then
    state.count(self.key, 1)
  end
end


-- For attempts that others have made in vain for us; what is missing is owed.
function bucket:owe(count)
  if count > 0 then
    local owed = state.count(self.key, -count) + self.cap
    if owed < 0 then
      state.count(self.key, -owed)
    end
  end
end


local function new(key, start, cap)
  return setmetatable({ key = key, start = start, cap = cap, unpaid = 0 }, bucket)
end

_M.retries = new("budget:retries", 10, 100)
_M.hedges = new("budget:hedges", 1, 10)


-- A token for a request's further attempt, which it may take a while to find; false when there is none left.
function _M.reserve(request)
  request.has_reserved = _M.retries:withdraw()
  return request.has_reserved
end


-- The attempt is made.
function _M.spend(request)
  if request.has_reserved then
    request.has_reserved, request.has_paid = false, true
  end
end


-- There is none, or the caller did not wait for it.
function _M.give_back(request)
  if request.has_reserved then
    request.has_reserved = false
    _M.retries:refund()
  end
end


-- Once a pool.
function _M.begin()
  for _, one in ipairs({ _M.retries, _M.hedges }) do
    state.begin_count(one.key, one.start)
  end
end


return _M
