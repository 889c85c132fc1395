-- A request of one kind after the other, each as a random one of the signed-in users.
-- Arguments: kind (live, balance, topup, spend or signin), a file, the first line to use, how many, a seed.
-- A line of the file is a token, or a key and the user for whom it acts.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

function init(args)
  kind = args[1]
  local number, first, last = 0, tonumber(args[3]), tonumber(args[3]) + tonumber(args[4]) - 1
  headers = {}
  for line in io.lines(args[2]) do
    local token, user = line:match("^(%S+) ?(%S*)$")
    number = number + 1
    if number >= first and number <= last then
      headers[#headers + 1] = {
        ["Host"] = wrk.headers["Host"],
        ["Authorization"] = "Bearer " .. token,
        ["Content-Type"] = "application/json",
        ["On-Behalf-Of"] = user ~= "" and user or nil,
      }
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
    return wrk.format("GET")
  end
  if kind == "signin" then
    local random = math.random
    local address = string.format("10.%d.%d.%d", random(0, 255), random(0, 255), random(0, 255))
    local stranger = { ["Host"] = wrk.headers["Host"], ["Content-Type"] = "application/json", ["X-Forwarded-For"] = address }
    return wrk.format("POST", nil, stranger, string.format('{"username": "u%08x", "password": "a wrong one"}', random(0, 0xffffffff)))
  end
  local user = headers[math.random(#headers)]
  if kind == "balance" then
    user["Content-Type"] = nil
    return wrk.format("GET", nil, user)
  end
  return wrk.format("POST", nil, user, '{"txn_id": "' .. uuid() .. '", "amount": 100}')
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %.0f, "p99": %.0f, "refused": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
