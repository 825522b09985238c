-- Precedes every script. Redis does not roll back Lua scripts, so each script checks all of its
-- arguments and keys before its first write. A command that reads or first writes a key checks its
-- type, too; `expect_type` is for keys without such a command.
local function expect_type(kind, key)
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= kind then
    error('ERR ' .. key .. ' is a ' .. found .. ', not a ' .. kind, 0)
  end
end
local function parse_number(text)
  local value = tonumber(text)
  if not value then error('ERR not a number: ' .. tostring(text), 0) end
  return value
end
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_table(fields)
  local fields_by_name = {}
  for at = 1, #fields, 2 do fields_by_name[fields[at]] = fields[at + 1] end
  return fields_by_name
end
local function holds_lease(active, fence, conversation, entry, token)
  return redis.call('HGET', active, conversation) == entry
    and redis.call('HGET', fence, conversation) == token
end
local function remove_entry(ready, group, entry)
  redis.call('XACK', ready, group, entry)
  redis.call('XDEL', ready, entry)
end
local function wake(ready, active, conversation)
  redis.call('HSET', active, conversation, redis.call('XADD', ready, '*', 'conversation', conversation))
end
local function wake_if_idle(ready, active, conversation)
  if redis.call('HEXISTS', active, conversation) == 0 then wake(ready, active, conversation) end
end
