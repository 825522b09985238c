-- Puts a dead letter at the end of its conversation again. Its id is known already: that is passed
-- by on purpose. Its journal is still there, so finished steps are not repeated.
-- KEYS  ready active waiting dead      ARGV  entry_id conversation payload
-- Returns 1, or 0 where the dead letter queue no longer has the entry.
expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2]); expect_type('list', KEYS[3]); expect_type('stream', KEYS[4])
if redis.call('XDEL', KEYS[4], ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[3], ARGV[3])
wake_if_idle(KEYS[1], KEYS[2], ARGV[2])
return 1
