-- Makes another epoch the current one. KEYS: the head, the keys of the epoch before, and the slots of the new one, which
-- were written in pieces. ARGV: the epoch before, or nothing if there is none, and then the new epoch, the format, the
-- fingerprint of the keys, position, revision, tip and since, and the number of slots.
local old, new, format, keys, position, revision, tip, since, count = unpack(ARGV)
local NEW_SLOTS = KEYS[6]

if old == '' then
    if head.epoch then
        return {'other', head.epoch}
    end
else
    local refused = refusal(old)
    if refused then
        return refused
    end
end
if redis.call('HLEN', NEW_SLOTS) ~= tonumber(count) then
    -- They were written too slowly, and have expired.
    return {'incomplete'}
end
redis.call('PERSIST', NEW_SLOTS)
redis.call(
    'HSET', HEAD, 'epoch', new, 'format', format, 'keys', keys,
    'position', position, 'revision', revision, 'tip', tip, 'since', since
)
if old ~= '' then
    redis.call('UNLINK', SLOTS, FENCES, LIVES, LOG)
end
return {'ok'}
