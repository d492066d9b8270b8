-- What the scripts of the route cache share. Beside the routes there are two keys: when each of them expires (a sorted
-- set), and how many bytes each of them takes (a hash, with their sum in the field `total`). KEYS[1] and KEYS[2].
local expiries, sizes = KEYS[1], KEYS[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Redis may have evicted one of the two: half of the account is none.
if redis.call('EXISTS', expiries, sizes) == 1 then
    redis.call('DEL', expiries, sizes)
end

-- Takes a route off the account.
local function forget(key)
    local size = redis.call('HGET', sizes, key)
    if size then
        redis.call('HDEL', sizes, key)
        redis.call('HINCRBY', sizes, 'total', -size)
    end
    redis.call('ZREM', expiries, key)
end

-- Nothing of the cache is without expiry: the account outlives the longest-lived route.
local function keep_account()
    local last = redis.call('ZRANGE', expiries, -1, -1, 'WITHSCORES')
    if last[2] then
        local left = math.max(1, math.ceil(last[2] - now)) + 60000
        redis.call('PEXPIRE', expiries, left)
        redis.call('PEXPIRE', sizes, left)
    else
        redis.call('DEL', expiries, sizes)
    end
end
