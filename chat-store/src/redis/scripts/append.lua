-- A node appends. ARGV: epoch, node, fence, the most acts in the log, and for each proposal: the number of changes, the
-- number of guards, for each of them the slot and its position, the number of writes, for each of them the slot, 'set' or
-- 'empty', and the value, and then the act.
-- Returns the position of the last act, and for each proposal '1' if it was appended and '0' if a guard does not hold.
local epoch, node, fence, most = unpack(ARGV, 1, 4)

local refused = refusal(epoch)
if refused then
    return refused
end
if redis.call('HGET', FENCES, node) ~= fence then
    return {'fenced'}
end

local at = 4
local function take()
    at = at + 1
    return ARGV[at]
end

local function holds()
    local result = true
    for _ = 1, tonumber(take()) do
        local slot, expected = take(), take()
        local value = redis.call('HGET', SLOTS, slot)
        if (value and value:sub(1, 16) or NONE) ~= expected then
            result = false
        end
    end
    return result
end

local verdicts, is_changed = {}, false
while at < #ARGV do
    local changes = tonumber(take())
    local is_appended = holds()
    local writes = tonumber(take())
    local first = at
    at = at + 3 * writes
    local act = take()
    if is_appended then
        push(act, changes, most)
        is_changed = true
        for write = 0, writes - 1 do
            local slot, operation, value = unpack(ARGV, first + 3 * write + 1, first + 3 * write + 3)
            if operation == 'set' then
                redis.call('HSET', SLOTS, slot, digits(head.position) .. value)
            else
                redis.call('HDEL', SLOTS, slot)
            end
            if slot:sub(1, 1) == 'n' then
                -- The act declares this node lost. Without a fence it writes no more.
                redis.call('HDEL', FENCES, slot:sub(2))
                redis.call('HDEL', LIVES, slot:sub(2))
            end
        end
    end
    verdicts[#verdicts + 1] = is_appended and '1' or '0'
end
if is_changed then
    write_head()
end
return {'ok', plain(head.position), unpack(verdicts)}
