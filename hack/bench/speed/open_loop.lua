-- Load that does not wait for answers: each request has a planned time, drawn beforehand, and its latency counts from there,
-- however late it could be sent (no coordinated omission). One thread, epoll; a clock of its own (timerfd), for nothing
-- that sleeps by the millisecond can keep such a plan.
--
--   luajit open_loop.lua PORT FILE PLAN COUNT_OR_RATE SECONDS CONNECTIONS SEED MARK
--
-- FILE: a request's bytes. PLAN: "rate" (so many a second, at random as independent callers do) or "ramp" (so many streams,
-- evenly over the first second, held to the end). MARK: what the first content of a stream holds; "" for whole answers.
-- Writes one JSON list: planned, answered, errors, streams with content; and each as [p50, p90, p99, most] in µs: latencies,
-- times to first content, gaps between arrivals of a stream, how much later than planned requests were sent.

local ffi = require "ffi"
local bit = require "bit"

ffi.cdef [[
  struct sockaddr_in { unsigned short family, port; unsigned char address[4]; char zero[8]; };
  struct event { uint32_t events; int fd; uint32_t unused; } __attribute__((packed));
  struct timespec { long s, ns; };
  struct itimerspec { struct timespec interval, value; };
  int socket(int, int, int);
  int connect(int, const struct sockaddr_in *, unsigned);
  int setsockopt(int, int, int, const int *, unsigned);
  int fcntl(int, int, ...);
  int epoll_create1(int);
  int epoll_ctl(int, int, int, struct event *);
  int epoll_wait(int, struct event *, int, int);
  int timerfd_create(int, int);
  int timerfd_settime(int, int, const struct itimerspec *, void *);
  int clock_gettime(int, struct timespec *);
  long read(int, void *, size_t);
  long write(int, const void *, size_t);
  int close(int);
]]

local C = ffi.C
local EPOLLIN, ADD, MONOTONIC = 1, 1, 1
local READ_BYTES, EVENTS_MAX, DRAIN_US = 65536, 256, 1e6
local TIMER = 1 -- CLOCK_MONOTONIC, absolute

local port, file, plan = tonumber(arg[1]), assert(io.open(arg[2])), arg[3]
local wanted, seconds, connections, mark = tonumber(arg[4]), tonumber(arg[5]), tonumber(arg[6]), arg[8]
local message = file:read("*a")
math.randomseed(tonumber(arg[7]))

local spec, timer_spec = ffi.new("struct timespec"), ffi.new("struct itimerspec")
local buffer, events = ffi.new("char[?]", READ_BYTES), ffi.new("struct event[?]", EVENTS_MAX)
local epoll, timer = C.epoll_create1(0), C.timerfd_create(MONOTONIC, 0x800)


local function now_us()
  C.clock_gettime(MONOTONIC, spec)
  return tonumber(spec.s) * 1e6 + tonumber(spec.ns) / 1e3
end


local function watch(fd)
  local event = ffi.new("struct event")
  event.events, event.fd = EPOLLIN, fd
  assert(C.epoll_ctl(epoll, ADD, fd, event) == 0)
end


local function wake_at(at_us)
  timer_spec.value.s, timer_spec.value.ns = math.floor(at_us / 1e6), math.floor(at_us % 1e6 * 1e3) + 1
  C.timerfd_settime(timer, TIMER, timer_spec, nil)
end


-- The plan: when each request is due, after the start.
local due, last = {}, 0
if plan == "ramp" then
  for i = 1, wanted do
    due[i] = (i - 1) / wanted * 1e6
  end
else
  while true do
    last = last - math.log(1 - math.random()) / wanted * 1e6
    if last > seconds * 1e6 then
      break
    end
    due[#due + 1] = last
  end
end

local by_fd, idle = {}, {}
local latencies, firsts, gaps, lateness = {}, {}, {}, {}
local answered, errors = 0, 0


local function connected()
  local fd, address = C.socket(2, 1, 0), ffi.new("struct sockaddr_in")
  address.family, address.port = 2, bit.bor(bit.lshift(bit.band(port, 255), 8), bit.rshift(port, 8))
  address.address[0], address.address[3] = 127, 1
  assert(C.connect(fd, address, ffi.sizeof(address)) == 0, "connecting")
  C.setsockopt(fd, 6, 1, ffi.new("int[1]", 1), 4)
  C.fcntl(fd, 4, ffi.cast("int", 0x800))
  watch(fd)
  local conn = { fd = fd, is_busy = false, due_us = 0, got = 0, needed = 0, head = "", tail = "", has_first = false,
                 at_us = 0 }
  by_fd[fd] = conn
  idle[#idle + 1] = conn
end


local function ask(conn, due_us)
  conn.is_busy, conn.due_us, conn.got, conn.needed, conn.head, conn.tail = true, due_us, 0, 0, "", ""
  conn.has_first, conn.at_us = mark == "", 0
  if C.write(conn.fd, message, #message) ~= #message then
    errors = errors + 1
  end
end


-- Of the head, once it is there: how many bytes the answer has, -1 in chunks.
local function read_head(conn, text)
  conn.head = conn.head .. text
  local _, stop = conn.head:find("\r\n\r\n", 1, true)
  if stop then
    if not conn.head:find("^HTTP/1.1 200") then
      errors = errors + 1
    end
    local length = conn.head:lower():match("\r\ncontent%-length: *(%d+)")
    conn.needed = length and stop + length or -1
  end
end


local function is_whole(conn, size)
  if conn.needed >= 0 then
    return conn.needed > 0 and conn.got >= conn.needed
  end
  local from = math.max(0, size - 5)
  conn.tail = (conn.tail .. ffi.string(buffer + from, size - from)):sub(-5)
  return conn.tail == "0\r\n\r\n"
end


-- What the other side has closed, between two requests as well: no request may go there.
local function drop(conn)
  C.close(conn.fd)
  by_fd[conn.fd] = nil
  for i = 1, #idle do
    if idle[i] == conn then
      table.remove(idle, i)
      return
    end
  end
end


local function take(conn)
  local size = tonumber(C.read(conn.fd, buffer, READ_BYTES))
  local at_us = now_us()
  if size <= 0 then
    if size == 0 then
      errors = errors + (conn.is_busy and 1 or 0)
      drop(conn)
      connected()
    end
    return
  end
  if conn.needed == 0 then
    read_head(conn, ffi.string(buffer, size))
  end
  conn.got = conn.got + size
  if not conn.has_first then
    if ffi.string(buffer, size):find(mark, 1, true) then
      conn.has_first, conn.at_us = true, at_us
      firsts[#firsts + 1] = at_us - conn.due_us
    end
  elseif mark ~= "" then
    gaps[#gaps + 1], conn.at_us = at_us - conn.at_us, at_us
  end
  if is_whole(conn, size) then
    latencies[#latencies + 1] = at_us - conn.due_us
    answered = answered + 1
    conn.is_busy = false
    idle[#idle + 1] = conn
  end
end


for _ = 1, connections do
  connected()
end
watch(timer)
local start_us, next_one = now_us() + 2e4, 1
local end_us = start_us + seconds * 1e6 + (plan == "ramp" and 0 or DRAIN_US)
local count = #due
while true do
  local at_us = now_us()
  while next_one <= count and start_us + due[next_one] <= at_us and idle[1] do
    local conn, due_us, was_free = table.remove(idle), start_us + due[next_one], #lateness
    ask(conn, due_us)
    lateness[was_free + 1] = at_us - due_us
    next_one, at_us = next_one + 1, now_us()
  end
  if at_us > end_us or next_one > count and #idle == connections then
    break
  end
  local is_waiting = next_one <= count and start_us + due[next_one] > at_us
  wake_at(is_waiting and start_us + due[next_one] or end_us)
  local ready = C.epoll_wait(epoll, events, EVENTS_MAX, -1)
  for i = 0, ready - 1 do
    local conn = by_fd[events[i].fd]
    if conn then
      take(conn)
    else
      C.read(timer, buffer, 8)
    end
  end
end

-- What was never answered took at least until now.
local ended_us = now_us()
if plan == "rate" then
  for _, conn in pairs(by_fd) do
    if conn.is_busy then
      latencies[#latencies + 1] = ended_us - conn.due_us
    end
  end
  for i = next_one, count do
    latencies[#latencies + 1] = ended_us - start_us - due[i]
  end
else
  for _, conn in pairs(by_fd) do
    if conn.is_busy and conn.has_first then
      gaps[#gaps + 1] = ended_us - conn.at_us -- a stream that says no more
    end
  end
end


local function shown(values)
  table.sort(values)
  local found = {}
  for i, percent in ipairs({ 50, 90, 99, 100 }) do
    found[i] = ("%.0f"):format(values[math.min(#values, math.floor(#values * percent / 100) + 1)] or 0)
  end
  return "[" .. table.concat(found, ",") .. "]"
end

print(("[%d,%d,%d,%d,%s,%s,%s,%s]"):format(count, answered, errors, #firsts, shown(latencies), shown(firsts), shown(gaps),
                                          shown(lateness)))
