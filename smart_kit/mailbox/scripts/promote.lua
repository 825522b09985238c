-- Wakes the conversations whose delay is over, by Redis's clock.
-- KEYS  ready active delayed      ARGV  limit
-- Returns {number of woken conversations, milliseconds until the next is due or -1}.
local limit = parse_number(ARGV[1])
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, limit)
if #due > 0 then
  expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2])
end
for _, conversation in ipairs(due) do
  redis.call('ZREM', KEYS[3], conversation)
  if redis.call('HGET', KEYS[2], conversation) == 'delayed' then
    wake(KEYS[1], KEYS[2], conversation)
  end
end
local next_due = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
if #next_due == 0 then return {#due, -1} end
return {#due, math.max(0, math.ceil(tonumber(next_due[2]) - now))}
