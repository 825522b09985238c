-- Releases a message for a time without occupying a worker; the order of messages stays.
-- KEYS  ready active fence attempts delayed      ARGV  group entry conversation token delay_ms counted
-- `counted` 0 takes the attempt back: a wait for another server is not a failure of the message.
-- Returns 1, or 0 for a stale token.
local delay_ms, counted = parse_number(ARGV[5]), parse_number(ARGV[6])
if not holds_lease(KEYS[2], KEYS[3], ARGV[3], ARGV[2], ARGV[4]) then return 0 end
expect_type('stream', KEYS[1]); expect_type('zset', KEYS[5])
if counted == 0 then redis.call('HINCRBY', KEYS[4], ARGV[3], -1) end
remove_entry(KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], 'delayed')
redis.call('ZADD', KEYS[5], now_ms() + delay_ms, ARGV[3])
return 1
