-- Small files mounted into the Pod: read whole, compared by content, because a mounted volume changes by swapping links
-- and may do so twice within a second.

local min = math.min

local _M = {}

local SIZE_MAX_BYTES = 16 * 1024 * 1024


-- the text of a file; nil and why not. The buffer should fit the file: it stays, and a bigger one counts as garbage that
-- does not exist.
function _M.read(path)
  local file, err = io.open(path, "rb")
  if not file then
    return nil, err
  end
  local size = file:seek("end")
  file:seek("set")
  local text, read_err = file:read(min(size or SIZE_MAX_BYTES, SIZE_MAX_BYTES))
  file:close()
  if not text or size == 0 then
    return nil, read_err or path .. ": is empty"
  end
  return text
end


-- Replaces a file in one step: a reader sees the old text or the new one.
function _M.write(path, text)
  local draft = path .. ".new"
  local file, err = io.open(draft, "wb")
  if not file then
    return nil, "writing " .. draft .. ": " .. err
  end
  local ok
  ok, err = file:write(text)
  file:close()
  if not ok then
    return nil, "writing " .. draft .. ": " .. err
  end
  ok, err = os.rename(draft, path)
  if not ok then
    return nil, "renaming " .. draft .. ": " .. err
  end
  return true
end


return _M
