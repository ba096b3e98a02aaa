-- Bytes on their way to the caller, and how long a slow one may take. What the caller does not read slows the provider
-- down and does not fill our memory. A slow caller holds a slot at the endpoint, so the request's deadline is the
-- deadline of the sending, too. nginx itself (send_timeout) drops a caller that takes nothing at all; one that takes a
-- little now and then must be watched.

local clock = require "nginx.shared.clock"
local media_type = require "core.answer.media_type"

local ngx = ngx
local max = math.max
local now_ms = clock.now_ms
local spawn, wait, kill = ngx.thread.spawn, ngx.thread.wait, ngx.thread.kill

local _M = {}

local SEND_TIMEOUT_MS = 30000 -- nginx.conf's
local SLOW_MS = 100
local LAST_WORD_MS = 500 -- after the deadline, for the message that the time is over


-- Says that what follows is a stream, to be kept nowhere and, by a proxy in front of the router, not to be held back until a
-- buffer is full (nginx and those who do as it does read X-Accel-Buffering). content_type: the provider's, or nil.
function _M.announce_stream(content_type)
  local headers = ngx.header
  headers["Content-Type"] = media_type.of_stream(content_type)
  headers["Cache-Control"] = "no-cache"
  headers["X-Accel-Buffering"] = "no"
end


local function flush()
  return ngx.flush(true)
end


local function sleep(wait_ms)
  ngx.sleep(wait_ms / 1000)
end


-- Gives true when all is sent, nil when the caller is gone or the time over: then the request must end, for what is
-- written still waits.
local function flush_until(deadline_ms)
  local alarm = spawn(sleep, max(deadline_ms - now_ms(), LAST_WORD_MS))
  local _, is_sent = wait(spawn(flush), alarm)
  kill(alarm)
  return is_sent
end


-- Gives true, or nil when the caller is gone or does not read. Watching costs two light threads, so it is done only where a
-- caller was slow before, or may take longer than the request has left.
function _M.pass_on(request, text)
  if text == "" then
    return true
  end
  if not ngx.print(text) then
    return nil
  end
  local before_ms = now_ms()
  if request.is_slowly_read or request.deadline_ms - before_ms < SEND_TIMEOUT_MS then
    return flush_until(request.deadline_ms)
  end
  local is_sent = ngx.flush(true)
  if now_ms() - before_ms > SLOW_MS then
    request.is_slowly_read = true
  end
  return is_sent
end


return _M
