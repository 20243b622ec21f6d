"""How records and groups are kept in Redis: the record format, the keys, and the scripts that make steps atomic."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import FatalError, RetryableError, TradewireError

PREFIX = "tradewire"
TOPICS_KEY = f"{PREFIX}:topics"
ABSENT = -1

_HEAD = struct.Struct(">qiiH")
_HEADER = struct.Struct(">HI")

PUBLISH = """
-- KEYS: per record the stream, then the counter of its end. ARGV: records kept per stream (0: all), then the records.
local kept = tonumber(ARGV[1])
local offsets = {}
for i = 1, #KEYS / 2 do
  local offset = redis.call('INCR', KEYS[2 * i]) - 1
  -- 0-0 is no valid id, so the sequence part is 1.
  local id = string.format('%d-1', offset)
  if kept > 0 then
    redis.call('XADD', KEYS[2 * i - 1], 'MAXLEN', '~', kept, id, 'r', ARGV[i + 1])
  else
    redis.call('XADD', KEYS[2 * i - 1], id, 'r', ARGV[i + 1])
  end
  offsets[i] = offset
end
return offsets
"""

MEETING = """
-- One step of a member: expire the silent, join, acknowledge or leave; answers who is in and whether all are ready.
-- KEYS: hash of members, hash of the group. ARGV: seat, token, topics, step, acknowledged generation, session ms,
-- rebalance ms. A generation is one set of members; it is ready when each of them gave up what it owned before.
local seat, token, topics, step = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local acknowledged, session, rebalance = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local generation = tonumber(redis.call('HGET', KEYS[2], 'generation') or '0')
local since = tonumber(redis.call('HGET', KEYS[2], 'since') or '0')
local members, changed = {}, false
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
  local member = cjson.decode(stored[i + 1])
  if member.until_ms < now or (member.acknowledged < generation and now > since + rebalance) then
    redis.call('HDEL', KEYS[1], stored[i])
    changed = true
  else
    members[stored[i]] = member
  end
end
local me = members[seat]
local fenced = step ~= 'join' and me and me.token ~= token
if not fenced then
  if step == 'leave' then
    if me then
      redis.call('HDEL', KEYS[1], seat)
      members[seat] = nil
      changed = true
    end
  else
    if me and me.topics == topics then
      me.token = token
      me.acknowledged = math.max(me.acknowledged, acknowledged)
    else
      me = {token = token, topics = topics, acknowledged = 0, joined = generation + 1}
      members[seat] = me
      changed = true
    end
    me.until_ms = now + session
    redis.call('HSET', KEYS[1], seat, cjson.encode(me))
  end
end
if changed then
  generation = generation + 1
  redis.call('HSET', KEYS[2], 'generation', generation, 'since', now)
end
local ready, subscriptions = 1, {}
for name, member in pairs(members) do
  if member.acknowledged < generation then ready = 0 end
  subscriptions[name] = member.topics
end
return {fenced and 1 or 0, generation, ready, cjson.encode(subscriptions)}
"""

COMMIT = """
-- Store offsets if the member has had its seat ever since the generation in which it took its partitions.
-- KEYS: hash of members, hash of offsets. ARGV: seat, token, that generation, then partition, offset, ...
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return 0 end
local member = cjson.decode(stored)
if member.token ~= ARGV[2] or (member.joined or 0) > tonumber(ARGV[3]) then return 0 end
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
"""


def stream_key(place: Place) -> str:
    """Stream of a partition; entry ids are ``<offset>-1``."""
    return f"{PREFIX}:log:{place.topic}:{place.partition}"


def end_key(place: Place) -> str:
    """Counter: the offset that the next record of the partition gets."""
    return f"{PREFIX}:end:{place.topic}:{place.partition}"


def group_key(group: str, part: str) -> str:
    """Hash of a group: ``members``, ``state`` or ``offsets``."""
    return f"{PREFIX}:group:{group}:{part}"


def offset_field(place: Place) -> str:
    """A partition's field among a group's offsets."""
    return f"{place.topic}:{place.partition}"


def encode(record: Outgoing, now_ms: int) -> bytes:
    """A record's bytes: time, lengths (-1: absent) and number of headers; header lengths; then the contents."""
    names = [name.encode() for name, _ in record.headers]
    key_length = ABSENT if record.key is None else len(record.key)
    value_length = ABSENT if record.value is None else len(record.value)
    parts = [_HEAD.pack(now_ms, key_length, value_length, len(names))]
    for name, (_, content) in zip(names, record.headers, strict=True):
        parts += (_HEADER.pack(len(name), len(content)), name, content)
    parts += (record.key or b"", record.value or b"")
    return b"".join(parts)


def decode(place: Place, entry_id: bytes, data: bytes) -> Record:
    """The record that ``encode`` made, as found in a stream."""
    timestamp_ms, key_length, value_length, number = _HEAD.unpack_from(data)
    at = _HEAD.size
    headers = []
    for _ in range(number):
        name_length, content_length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        name_end = at + name_length
        headers.append((data[at:name_end].decode(), data[name_end : name_end + content_length]))
        at = name_end + content_length
    value_at = at + max(key_length, 0)
    return Record(
        place.topic,
        place.partition,
        offset_of(entry_id),
        None if key_length == ABSENT else data[at:value_at],
        None if value_length == ABSENT else data[value_at:],
        tuple(headers),
        timestamp_ms,
    )


def offset_of(entry_id: bytes) -> int:
    """Offset in a stream entry's id."""
    return int(entry_id.partition(b"-")[0])


def translation(error: BaseException, doing: str) -> TradewireError:
    """The project's error for one of redis-py's."""
    detail = f"Redis: {doing}: {error!r}"
    if isinstance(error, AuthenticationError | NoPermissionError):
        return FatalError(detail)
    # A server that is loading, busy, out of memory or read-only says so in a ResponseError, and may recover.
    assert isinstance(error, RedisError | OSError | ResponseError), f"not an error of the server: {error!r}"
    return RetryableError(detail)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise the project's errors instead of redis-py's and of timeouts."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise translation(error, doing) from error
