-- Writes a snapshot unless the key holds a newer one.
-- KEYS  snapshot
-- ARGV  version  snapshot  channel ('' = do not publish)
--       replaceable version (of another database, so it may be replaced although higher; '' = none)
-- Returns 1, or 0 if the key holds a newer one.
local stored = redis.call('GET', KEYS[1])
if stored then
  local readable, snapshot = pcall(cjson.decode, stored)
  local version = readable and type(snapshot) == 'table' and tonumber(snapshot.version)
  if version and version > tonumber(ARGV[1]) and version ~= tonumber(ARGV[4]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[1]) end
return 1
