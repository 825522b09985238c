-- Ends a message: all of its consequences, or none.
-- KEYS  ready active fence attempts waiting journal history archive dead
--       then, where there are replies, the other mailbox's  ready active seen
--       then its waiting list for each reply
-- ARGV  group entry conversation token  dead_letter ('' = handled)  archive_record ('' = none)
--       history_limit  history_seconds  seen_ms  history_count  items...  then for each reply  message_id conversation payload
-- Returns 1, or 0 for a stale token: somebody else has the message, nothing was done.
local dead, record = ARGV[5], ARGV[6]
local limit, history_seconds = number(ARGV[7]), number(ARGV[8])
local keep_ms, items = number(ARGV[9]), number(ARGV[10])
local first_reply = 11 + items
local replies = (#ARGV - first_reply + 1) / 3
if replies ~= math.floor(replies) or (replies > 0 and #KEYS ~= 12 + replies) then
  return redis.error_reply('ERR finish: keys and replies do not match')
end
for position, kind in ipairs({'stream', 'hash', 'hash', 'hash', 'list', 'hash', 'list', 'stream', 'stream'}) do
  expect(kind, KEYS[position])
end
if replies > 0 then
  expect('stream', KEYS[10]); expect('hash', KEYS[11]); expect('zset', KEYS[12])
  for reply = 1, replies do expect('list', KEYS[12 + reply]) end
end
if not holds(KEYS[2], KEYS[3], ARGV[3], ARGV[2], ARGV[4]) then return 0 end

redis.call('LPOP', KEYS[5])
redis.call('HDEL', KEYS[4], ARGV[3])
if dead == '' then
  redis.call('DEL', KEYS[6])
else
  redis.call('XADD', KEYS[9], '*', 'letter', dead)
end
for item = 1, items do redis.call('RPUSH', KEYS[7], ARGV[10 + item]) end
if items > 0 then  -- in blocks, so that positions count on in steps for who reads a window
  local block, excess = math.floor(limit / 4), redis.call('LLEN', KEYS[7]) - limit
  if excess > 0 then redis.call('LTRIM', KEYS[7], math.ceil(excess / block) * block, -1) end
  redis.call('EXPIRE', KEYS[7], history_seconds)
end
if record ~= '' then redis.call('XADD', KEYS[8], '*', 'record', record) end

local now = now_ms()
for reply = 1, replies do
  local at = first_reply + (reply - 1) * 3
  if not redis.call('ZSCORE', KEYS[12], ARGV[at]) then
    redis.call('ZADD', KEYS[12], now, ARGV[at])
    redis.call('RPUSH', KEYS[12 + reply], ARGV[at + 2])
    wake_if_asleep(KEYS[10], KEYS[11], ARGV[at + 1])
  end
end
if replies > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[12], '-inf', now - keep_ms) end

drop(KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[3])
if redis.call('EXISTS', KEYS[5]) == 1 then wake_if_asleep(KEYS[1], KEYS[2], ARGV[3]) end
return 1
