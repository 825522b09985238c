-- Gives the first message of a conversation to a worker; the message stays in the list.
-- KEYS  ready active fence attempts waiting      ARGV  group entry conversation
-- Returns {token, attempt, payload}, or nil if the entry is outdated.
if redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[2] then
  remove_entry(KEYS[1], ARGV[1], ARGV[2])
  return nil
end
local payload = redis.call('LINDEX', KEYS[5], 0)
if not payload then
  remove_entry(KEYS[1], ARGV[1], ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[3])
  return nil
end
expect_type('hash', KEYS[4])
local token = redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
local attempt = redis.call('HINCRBY', KEYS[4], ARGV[3], 1)
return {token, attempt, payload}
