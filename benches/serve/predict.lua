-- For wrk: POST /predict with the bodies of a file, a line each, in turn. wrk ... -s predict.lua URL -- BODIES
local requests, next = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", "/predict", {["content-type"] = "application/json"}, line)
  end
end
function request()
  next = next % #requests + 1
  return requests[next]
end
