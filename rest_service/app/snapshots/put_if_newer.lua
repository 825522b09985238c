-- Writes each snapshot unless its key holds a newer one.
-- KEYS  snapshots...
-- ARGV  channel ('' = do not publish), then for each key: version  snapshot
--       replaceable version (of another database, so it may be replaced although higher; '' = none)
-- Returns how many were written.
local function is_newer(stored, version, replaceable)
  local readable, snapshot = pcall(cjson.decode, stored)
  local found = readable and type(snapshot) == 'table' and tonumber(snapshot.version)
  return found and found > tonumber(version) and found ~= tonumber(replaceable)
end

local written = 0
for number, key in ipairs(KEYS) do
  local version, snapshot, replaceable = unpack(ARGV, 3 * number - 1, 3 * number + 1)
  local stored = redis.call('GET', key)
  if not (stored and is_newer(stored, version, replaceable)) then
    redis.call('SET', key, snapshot)
    if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[1], version) end
    written = written + 1
  end
end
return written
