-- A node gives a sign of life. ARGV: epoch, node, fence. Returns the head, and the count of each node.
local epoch, node, fence = unpack(ARGV)

local refused = refusal(epoch)
if refused then
    return refused
end
if redis.call('HGET', FENCES, node) ~= fence then
    return {'fenced'}
end
redis.call('HINCRBY', LIVES, node, 1)
local answer = with_head({'ok'})
for _, value in ipairs(redis.call('HGETALL', LIVES)) do
    answer[#answer + 1] = value
end
return answer
