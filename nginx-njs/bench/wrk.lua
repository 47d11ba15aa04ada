-- The load. With arguments `FILE FIRST` each request shows the next token of FILE (one a line),
-- from the one after FIRST on and around; without, all are the one request of the command line.

function init(arguments)
  local file, first = arguments[1], tonumber(arguments[2])
  if file == nil then return end
  local head = "GET " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] ..
    "\r\nAuthorization: Bearer "
  local requests, count = {}, 0
  for token in io.lines(file) do
    count = count + 1
    requests[count] = head .. token .. "\r\n\r\n"
  end
  local at = first % count
  -- Ready-made, so that wrk does no more for one than to look it up.
  request = function()
    at = at % count + 1
    return requests[at]
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
