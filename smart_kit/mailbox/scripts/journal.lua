-- Stores the result of a step, so that a later attempt does not repeat the step.
-- KEYS  active fence journal      ARGV  entry conversation token step value ttl_seconds
-- Returns 1, or 0 for a stale token.
local ttl_seconds = parse_number(ARGV[6])
if not holds_lease(KEYS[1], KEYS[2], ARGV[2], ARGV[1], ARGV[3]) then return 0 end
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
redis.call('EXPIRE', KEYS[3], ttl_seconds)
return 1
