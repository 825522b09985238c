-- Appends a message to its conversation, unless its id is known.
-- KEYS  ready active seen waiting      ARGV  message_id conversation payload seen_ms
-- Returns 1, or 0 for a duplicate.
local dedup_ms = parse_number(ARGV[4])
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end
local is_idle = redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0
if is_idle then expect_type('stream', KEYS[1]) end
redis.call('RPUSH', KEYS[4], ARGV[3])
local now = now_ms()
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - dedup_ms)
if is_idle then wake(KEYS[1], KEYS[2], ARGV[2]) end
return 1
