-- Puts a message at the end of its conversation, unless it has been there before.
-- KEYS  ready active seen waiting      ARGV  message_id conversation payload seen_ms
-- Returns 1, or 0 for a duplicate.
expect('stream', KEYS[1]); expect('hash', KEYS[2]); expect('zset', KEYS[3]); expect('list', KEYS[4])
local now = now_ms()
local keep_ms = number(ARGV[4])
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - keep_ms)
redis.call('RPUSH', KEYS[4], ARGV[3])
wake_if_asleep(KEYS[1], KEYS[2], ARGV[2])
return 1
