-- Removes a message and applies its outcome: all of it, or nothing.
-- KEYS  ready active fence attempts waiting journal history history_mark archive dead
--       with replies also the reply queue's  ready active seen
--       and its waiting list for each reply
-- ARGV  group entry conversation token  dead_letter ('' = handled)  archive_record ('' = none)
--       history_limit  history_seconds  seen_ms  history_count  items...  then for each reply  message_id conversation payload
-- Returns 1, or 0 for a stale token: another worker has the message and nothing was done.
local dead_letter, archive_record = ARGV[5], ARGV[6]
local history_limit, history_ttl_seconds = parse_number(ARGV[7]), parse_number(ARGV[8])
local dedup_ms, item_count = parse_number(ARGV[9]), parse_number(ARGV[10])
local first_reply = 11 + item_count
local reply_count = (#ARGV - first_reply + 1) / 3
if reply_count ~= math.floor(reply_count) or (reply_count > 0 and #KEYS ~= 13 + reply_count) then
  return redis.error_reply('ERR finish: keys and replies do not match')
end
if not holds_lease(KEYS[2], KEYS[3], ARGV[3], ARGV[2], ARGV[4]) then return 0 end
local waiting_count = redis.call('LLEN', KEYS[5])
local history_count = item_count > 0 and redis.call('LLEN', KEYS[7])
expect_type('stream', KEYS[1])
if archive_record ~= '' then expect_type('stream', KEYS[9]) end
if dead_letter ~= '' then expect_type('stream', KEYS[10]) end
local replies, is_known = {}, {}
for reply = 1, reply_count do
  local at = first_reply + (reply - 1) * 3
  if not is_known[ARGV[at]] and not redis.call('ZSCORE', KEYS[13], ARGV[at]) then
    is_known[ARGV[at]] = true
    replies[#replies + 1] = {id = ARGV[at], conversation = ARGV[at + 1], payload = ARGV[at + 2], waiting = KEYS[13 + reply]}
    expect_type('list', KEYS[13 + reply])
  end
end
if #replies > 0 then
  expect_type('stream', KEYS[11]); expect_type('hash', KEYS[12])
end

redis.call('HDEL', KEYS[4], ARGV[3])
redis.call('LPOP', KEYS[5])
if dead_letter == '' then
  redis.call('DEL', KEYS[6])
else
  redis.call('XADD', KEYS[10], '*', 'dead_letter', dead_letter)
end
if item_count > 0 then  -- trims in blocks, so that the start of a window changes rarely and prompts stay cacheable
  for item = 1, item_count do redis.call('RPUSH', KEYS[7], ARGV[10 + item]) end
  local block, excess = math.floor(history_limit / 4), history_count + item_count - history_limit
  if excess > 0 then  -- the mark: see HistoryStore
    redis.call('LTRIM', KEYS[7], math.ceil(excess / block) * block, -1)
    redis.call('SET', KEYS[8], 'trimmed')
  end
  redis.call('EXPIRE', KEYS[7], history_ttl_seconds)
  redis.call('EXPIRE', KEYS[8], history_ttl_seconds)
end
if archive_record ~= '' then redis.call('XADD', KEYS[9], '*', 'record', archive_record) end

if #replies > 0 then
  local now = now_ms()
  for _, reply in ipairs(replies) do
    redis.call('ZADD', KEYS[13], now, reply.id)
    redis.call('RPUSH', reply.waiting, reply.payload)
    wake_if_idle(KEYS[11], KEYS[12], reply.conversation)
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[13], '-inf', now - dedup_ms)
end

remove_entry(KEYS[1], ARGV[1], ARGV[2])
if waiting_count > 1 then
  wake(KEYS[1], KEYS[2], ARGV[3])
else
  redis.call('HDEL', KEYS[2], ARGV[3])
end
return 1
