-- Cold standbys: endpoints that the operator wakes when no tier above serves. Is one worth a wait, rather than a tier below?
-- The modes are the document's: Asleep has no replicas, Waking no Pod that is ready, ScaledToZero nobody to wake it.
--
-- A Pod is ready before every node knows the way to it, so the first connections to a standby that has just been woken may
-- be refused. That is a part of waking, and no fault of the endpoint.

local _M = {}

_M.LOOK_MS = 250 -- between two looks of a request that waits; the operator's word arrives within a second or so

_M.WAKING = "Waking" -- the reason of such a failure

local WOKEN_MS = 30000 -- so long after it was woken, a failure of that kind means that it is not up yet

local COMES = { Asleep = true, Waking = true }
local OURS = { Asleep = true, Waking = true, ScaledToZero = true, Active = true, Draining = true }


-- May a request wait for an endpoint of this mode?
function _M.comes(mode)
  return COMES[mode] or false
end


-- Does the change from one mode to another say that a standby sleeps or wakes?
function _M.concerns(was, now)
  return was ~= now and OURS[was] and OURS[now] and (COMES[was] or COMES[now] or was == "ScaledToZero") or false
end


-- Does a failed attempt say only that a standby is not up yet? woke_ms: since when this router knows it awake, or nil.
function _M.is_not_up(woke_ms, failure, now_ms)
  return woke_ms ~= nil and now_ms - woke_ms < WOKEN_MS
    and (failure.class == "Connect" or failure.reason == "ModelLoading")
end


-- endpoints: of those that a request may use, in any order: {tier, mode, serves, name}; serves: not looking at what this
-- request has tried. below: the tier of the candidate that it would take now, or nil. The name of the standby to wait
-- for rather: one that is being woken, or one that is asleep while nothing above it serves, so that it will be woken;
-- nil: none.
function _M.awaited(endpoints, below)
  local first, serves
  for i = 1, #endpoints do
    local one = endpoints[i]
    if COMES[one.mode] and (not below or one.tier < below) and (not first or one.tier < first.tier) then
      first = one
    end
    if one.serves and (not serves or one.tier < serves) then
      serves = one.tier
    end
  end
  if first and (first.mode == "Waking" or not serves or serves > first.tier) then
    return first.name
  end
end


return _M
