-- Renews a worker's lease. JUSTID leaves the delivery counter unchanged.
-- KEYS  ready active fence      ARGV  group consumer entry conversation token
-- Returns 1, or 0 for a stale token: the worker must stop.
if not holds_lease(KEYS[2], KEYS[3], ARGV[4], ARGV[3], ARGV[5]) then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
return 1
