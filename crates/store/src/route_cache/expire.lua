-- Gives a route another time to live, if it is there. KEYS[3] its key; ARGV[1] milliseconds.
if redis.call('PEXPIRE', KEYS[3], ARGV[1]) == 1 then
    redis.call('ZADD', expiries, 'XX', now + ARGV[1], KEYS[3])
    keep_account()
end
