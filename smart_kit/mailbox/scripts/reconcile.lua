-- Wakes conversations whose wake-up is gone: deleted by hand, dropped with its consumer, or missing
-- in a part of the data that was restored. None of our own scripts ever leaves one like that.
-- KEYS  ready active delayed      ARGV  group waiting_prefix conversations...
-- Returns how many were woken.
expect('stream', KEYS[1]); expect('hash', KEYS[2]); expect('zset', KEYS[3])

local function is_later(one, other)
  local one_ms, one_number = string.match(one, '(%d+)-(%d+)')
  local other_ms, other_number = string.match(other, '(%d+)-(%d+)')
  if one_ms == other_ms then return tonumber(one_number) > tonumber(other_number) end
  return tonumber(one_ms) > tonumber(other_ms)
end
local function last_delivered()
  if redis.call('EXISTS', KEYS[1]) == 0 then return '0-0' end
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = {}
    for at = 1, #fields, 2 do group[fields[at]] = fields[at + 1] end
    if group['name'] == ARGV[1] then return group['last-delivered-id'] end
  end
  return nil  -- whoever makes the group makes it at 0, so that it gets everything
end
local delivered = last_delivered()

local function will_wake(conversation, entry)
  if entry == 'delayed' then return redis.call('ZSCORE', KEYS[3], conversation) end
  if not entry or #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then return false end
  return not delivered or is_later(entry, delivered)
    or #redis.call('XPENDING', KEYS[1], ARGV[1], entry, entry, 1) > 0
end

local woken = 0
for at = 3, #ARGV do
  local conversation = ARGV[at]
  local entry = redis.call('HGET', KEYS[2], conversation)
  local waits = redis.call('EXISTS', ARGV[2] .. conversation) == 1
  if (entry or waits) and not will_wake(conversation, entry) then
    if entry then redis.call('HDEL', KEYS[2], conversation) end
    if entry and entry ~= 'delayed' then redis.call('XDEL', KEYS[1], entry) end
    if waits then
      wake_if_asleep(KEYS[1], KEYS[2], conversation)
      woken = woken + 1
    end
  end
end
return woken
