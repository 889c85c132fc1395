-- A request of one kind after the other, each as a random one of the signed-in users.
-- Arguments: kind (live, balance, topup, spend or signin), a file, the first line to use, how many, a seed.
-- A line of the file is a token, or a key and the user for whom it acts.

local BODY = '{"txn_id": "%s", "amount": 100}'
local END = BODY:match("%%s(.*)")
local UUID = 36
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

-- A user's request up to the txn_id, made once: the client must cost the machine little.
local function start(token, user)
  local headers = { ["Host"] = wrk.headers["Host"], ["Authorization"] = "Bearer " .. token }
  headers["On-Behalf-Of"] = user ~= "" and user or nil
  if kind == "balance" then
    return wrk.format("GET", nil, headers)
  end
  headers["Content-Type"] = "application/json"
  local whole = wrk.format("POST", nil, headers, string.format(BODY, string.rep(" ", UUID)))
  return whole:sub(1, -UUID - #END - 1)
end

function init(args)
  kind = args[1]
  local number, first, last = 0, tonumber(args[3]), tonumber(args[3]) + tonumber(args[4]) - 1
  users = {}
  live = wrk.format("GET")
  for line in io.lines(args[2]) do
    local token, user = line:match("^(%S+) ?(%S*)$")
    number = number + 1
    if number >= first and number <= last then
      users[#users + 1] = start(token, user)
    end
  end
  math.randomseed(tonumber(args[5]) * 1000 + id)
end

local function uuid()
  local random = math.random
  return string.format(
    "%08x-%04x-4%03x-8%03x-%06x%06x",
    random(0, 0xffffffff), random(0, 0xffff), random(0, 0xfff), random(0, 0xfff), random(0, 0xffffff), random(0, 0xffffff)
  )
end

function request()
  if kind == "live" then
    return live
  end
  if kind == "signin" then
    local random = math.random
    local address = string.format("10.%d.%d.%d", random(0, 255), random(0, 255), random(0, 255))
    local stranger = { ["Host"] = wrk.headers["Host"], ["Content-Type"] = "application/json", ["X-Forwarded-For"] = address }
    return wrk.format("POST", nil, stranger, string.format('{"username": "u%08x", "password": "a wrong one"}', random(0, 0xffffffff)))
  end
  local user = users[math.random(#users)]
  if kind == "balance" then
    return user
  end
  return user .. uuid() .. END
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %.0f, "p99": %.0f, "refused": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
