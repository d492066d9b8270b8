-- Stores a route, and evicts those that expire first until all of them together take no more than their bound.
-- KEYS[3] the route's key; ARGV: its value, its milliseconds to live, the bound in bytes, the bytes that a route takes
-- beside its value.
local key, value, ttl, bound = KEYS[3], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local size = #value + #key + tonumber(ARGV[4])
forget(key)
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now)) do
    forget(expired)
end
if size <= bound then
    while tonumber(redis.call('HGET', sizes, 'total') or 0) + size > bound do
        local first = redis.call('ZRANGE', expiries, 0, 0)[1]
        if not first then
            redis.call('DEL', expiries, sizes)
            break
        end
        redis.call('DEL', first)
        forget(first)
    end
    redis.call('SET', key, value, 'PX', ttl)
    redis.call('ZADD', expiries, now + ttl, key)
    redis.call('HSET', sizes, key, size)
    redis.call('HINCRBY', sizes, 'total', size)
else
    redis.call('DEL', key)
end
keep_account()
