-- Appends a dead letter to its conversation again, without deduplication because its id is known.
-- Its journal still exists, so finished steps are not repeated.
-- KEYS  ready active waiting dead      ARGV  entry_id conversation payload
-- Returns 1, or 0 if the dead letter queue no longer has the entry.
expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2]); expect_type('list', KEYS[3]); expect_type('stream', KEYS[4])
if redis.call('XDEL', KEYS[4], ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[3], ARGV[3])
wake_if_idle(KEYS[1], KEYS[2], ARGV[2])
return 1
