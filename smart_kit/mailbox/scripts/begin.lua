-- Gives the first message of a conversation to a worker; the message stays in the list.
-- KEYS  ready active fence attempts waiting      ARGV  group entry conversation
-- Returns {token, attempt, payload}, or nil if the entry is outdated.
expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2]); expect_type('hash', KEYS[3])
expect_type('hash', KEYS[4]); expect_type('list', KEYS[5])
if redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[2] then
  remove_entry(KEYS[1], ARGV[1], ARGV[2])
  return nil
end
local payload = redis.call('LINDEX', KEYS[5], 0)
if not payload then
  redis.call('HDEL', KEYS[2], ARGV[3])
  remove_entry(KEYS[1], ARGV[1], ARGV[2])
  return nil
end
local token = redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
local attempt = redis.call('HINCRBY', KEYS[4], ARGV[3], 1)
return {token, attempt, payload}
