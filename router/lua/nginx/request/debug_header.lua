-- The header that explains the choice (core/balancing/choice_report.lua), for clients that may see it and ask for it.

local choice_report = require "core.balancing.choice_report"

local ngx = ngx

local _M = {}

local NOT_CHOSEN = { rows = {} }


-- May the caller see it, and has it asked?
function _M.is_wanted(client, client_headers)
  return client.debug and client_headers[choice_report.HEADER] == "1" or false
end


-- On the answer of an attempt, or of none: then the last choice, which found no candidate.
function _M.mark(request, attempt)
  if request.is_explained then
    ngx.header[choice_report.HEADER] = choice_report.header(attempt and attempt.choice or request.choice or NOT_CHOSEN)
  end
end


return _M
