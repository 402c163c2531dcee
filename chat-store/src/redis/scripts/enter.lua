-- A node enters. ARGV: epoch, format, fingerprint of the keys, the most acts in the log, node, fence, state, act.
-- Returns the head.
local epoch, format, keys, most, node, fence, state, act = unpack(ARGV)

local refused = refusal(epoch)
if refused then
    return refused
end
if head.format ~= format then
    return {'format', head.format}
end
if head.keys ~= keys then
    return {'keys'}
end
local slot = 'n' .. node
local before = redis.call('HGET', FENCES, node)
if before then
    if tonumber(before) >= tonumber(fence) then
        return {'fenced'}
    end
elseif redis.call('HGET', SLOTS, slot) then
    -- A slot without a fence is that of a node that was declared lost.
    return {'fenced'}
end
push(act, 0, most)
redis.call('HSET', SLOTS, slot, digits(head.position) .. state)
redis.call('HSET', FENCES, node, fence)
write_head()
return with_head({'ok'})
