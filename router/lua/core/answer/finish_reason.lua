-- Why a choice of a streamed answer ended, as its provider says it; nil while it has not. Servers fill the member in before
-- they have a reason: "" (SGLang, Ollama), "null" (KoboldCpp), and Python's word for nothing.

local NO_REASON = { [""] = true, null = true, none = true, None = true }


return function(value)
  return type(value) == "string" and not NO_REASON[value] and value or nil
end
