-- Appends a message to its conversation, unless its id is known.
-- KEYS  ready active seen waiting      ARGV  message_id conversation payload seen_ms
-- Returns 1, or 0 for a duplicate.
expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2]); expect_type('zset', KEYS[3]); expect_type('list', KEYS[4])
local now = now_ms()
local dedup_ms = parse_number(ARGV[4])
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - dedup_ms)
redis.call('RPUSH', KEYS[4], ARGV[3])
wake_if_idle(KEYS[1], KEYS[2], ARGV[2])
return 1
