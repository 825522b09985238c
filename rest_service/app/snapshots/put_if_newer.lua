-- Keeps a snapshot unless a newer one is there.
-- KEYS  snapshot
-- ARGV  version  snapshot  channel ('' = tell nobody)
--       foreign (the version, now kept, that Postgres does not know: it may be replaced; '' = none)
-- Returns 1, or 0 where a newer one is kept.
local kept = redis.call('GET', KEYS[1])
if kept then
  local readable, snapshot = pcall(cjson.decode, kept)
  local version = readable and type(snapshot) == 'table' and tonumber(snapshot.version)
  if version and version > tonumber(ARGV[1]) and version ~= tonumber(ARGV[4]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[1]) end
return 1
