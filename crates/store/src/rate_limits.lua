-- The generic cell rate algorithm of domain/src/rate_limit.rs, with the server's clock: replicas' clocks may differ.
-- KEYS[1] the caller; ARGV[1] microseconds that a request costs; ARGV[2] microseconds that a caller may be ahead of now.
-- Answers: let in?, microseconds ahead of now.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local earned = tonumber(redis.call('GET', KEYS[1]) or 0)
local next = math.max(earned, now) + ARGV[1]
if next - now > tonumber(ARGV[2]) then
    return {0, earned - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return {1, next - now}
