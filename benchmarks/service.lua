-- Asks for Supabase tokens: wrk … -s service.lua URL -- TOKENS MODE [DELAY]
--
-- TOKENS is a file with a token a line. MODE is "cycle", or "once" where each token is sent no more than once.
-- DELAY is in milliseconds, between an answer and the next request of a connection.

local requests, sent, mode, pause = {}, 0, nil, nil

function init(arguments)
  mode, pause = arguments[2], tonumber(arguments[3] or 0)
  for token in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. token })
  end
  if pause > 0 then
    delay = function() return pause end
  end
end

function request()
  sent = sent + 1
  if sent > #requests then
    -- The last token again is counted, and spoils the run.
    if mode == "once" then spent = true end
    if mode == "cycle" then sent = 1 end
  end
  return requests[sent] or requests[#requests]
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local is_spent = false
  for _, thread in ipairs(threads) do
    if thread:get("spent") then is_spent = true end
  end
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f,"spent":%s}\n',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    tostring(is_spent)
  ))
end
