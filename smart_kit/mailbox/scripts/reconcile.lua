-- Wakes conversations that lost their stream entry: deleted by hand, dropped with its consumer, or
-- missing in restored data. The other scripts never leave a conversation in this state.
-- KEYS  ready active delayed      ARGV  group waiting_prefix conversations...
-- Returns the number of restored wake-ups.
expect_type('stream', KEYS[1]); expect_type('hash', KEYS[2]); expect_type('zset', KEYS[3])

local function is_later(one, other)
  local one_ms, one_number = string.match(one, '(%d+)-(%d+)')
  local other_ms, other_number = string.match(other, '(%d+)-(%d+)')
  if one_ms == other_ms then return tonumber(one_number) > tonumber(other_number) end
  return tonumber(one_ms) > tonumber(other_ms)
end
local function read_last_delivered_id()
  if redis.call('EXISTS', KEYS[1]) == 0 then return '0-0' end
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = to_table(fields)
    if group['name'] == ARGV[1] then return group['last-delivered-id'] end
  end
  return nil  -- a new group begins at 0 and receives every entry
end
local last_delivered_id = read_last_delivered_id()

local function has_wakeup(conversation, entry)
  if entry == 'delayed' then return redis.call('ZSCORE', KEYS[3], conversation) end
  if not entry or #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then return false end
  return not last_delivered_id or is_later(entry, last_delivered_id)
    or #redis.call('XPENDING', KEYS[1], ARGV[1], entry, entry, 1) > 0
end

local restored = 0
for at = 3, #ARGV do
  local conversation = ARGV[at]
  local entry = redis.call('HGET', KEYS[2], conversation)
  local has_messages = redis.call('EXISTS', ARGV[2] .. conversation) == 1
  if (entry or has_messages) and not has_wakeup(conversation, entry) then
    if entry then redis.call('HDEL', KEYS[2], conversation) end
    if entry and entry ~= 'delayed' then redis.call('XDEL', KEYS[1], entry) end
    if has_messages then
      wake_if_idle(KEYS[1], KEYS[2], conversation)
      restored = restored + 1
    end
  end
end
return restored
