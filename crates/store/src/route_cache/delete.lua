-- Removes routes. KEYS[3] and further: their keys.
for n = 3, #KEYS do
    redis.call('DEL', KEYS[n])
    forget(KEYS[n])
end
keep_account()
