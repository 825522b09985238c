-- Takes entries over from consumers without a sign of life. Removes such consumers without entries.
-- KEYS  ready      ARGV  group consumer alive_prefix limit
-- Returns {entry, conversation} for each taken entry.
local free = parse_number(ARGV[4])
local taken = {}
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = to_table(fields)
  if consumer.name ~= ARGV[2] and redis.call('EXISTS', ARGV[3] .. consumer.name) == 0 then
    if consumer.pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    elseif free > 0 then
      local entries = {}
      for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', free, consumer.name)) do
        entries[#entries + 1] = pending[1]
      end
      free = free - #entries
      -- omits entries that were deleted by hand
      for _, entry in ipairs(redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, unpack(entries))) do
        taken[#taken + 1] = {entry[1], entry[2][2]}
      end
    end
  end
end
return taken
