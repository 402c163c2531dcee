-- The beginning of every script: the keys, the head, and what several scripts do.
--
-- A script returns a list. Its first entry says what happened: 'ok', or why nothing was done. The keys of an epoch are those
-- of the epoch that the caller names, and the script checks that it is the current one.

local HEAD, SLOTS, FENCES, LIVES, LOG = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- The position of a slot that is empty.
local NONE = '0000000000000000'

-- A position as text: as many digits as the largest number that Lua counts exactly. Without a format, Lua writes a large
-- number as 1e+14.
local function digits(number)
    return string.format('%016.0f', number)
end

local function plain(number)
    return string.format('%.0f', number)
end

local head = {}
do
    local names = {'epoch', 'format', 'keys', 'position', 'revision', 'tip', 'since'}
    local values = redis.call('HMGET', HEAD, unpack(names))
    for at, name in ipairs(names) do
        head[name] = values[at]
    end
    head.position = tonumber(head.position)
    head.revision = tonumber(head.revision)
end

-- Why nothing can be done in this epoch. Nothing if it is the current one.
local function refusal(epoch)
    if not head.epoch then
        return {'empty'}
    end
    if head.epoch ~= epoch then
        return {'other', head.epoch}
    end
end

-- Adds an act to the log. `write_head` must follow.
local function push(act, changes, most)
    local position = head.position + 1
    redis.call('XADD', LOG, 'MAXLEN', '~', most, plain(position) .. '-0', 'p', head.tip, 'a', act)
    head.position = position
    head.revision = head.revision + changes
    head.tip = act:sub(1, 8)
end

local function write_head()
    redis.call('HSET', HEAD, 'position', plain(head.position), 'revision', plain(head.revision), 'tip', head.tip)
end

-- The head as the last part of an answer.
local function with_head(answer)
    for _, value in ipairs({head.epoch, plain(head.position), plain(head.revision), head.tip, head.since}) do
        answer[#answer + 1] = value
    end
    return answer
end
