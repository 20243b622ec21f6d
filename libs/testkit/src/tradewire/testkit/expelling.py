"""A member that the group takes for dead while it lives: one stopped for longer than its session, and gone on."""

from __future__ import annotations

from tradewire.runtime.bus.memory_group import GroupMember, MemoryGroup


def expel(group: MemoryGroup, which: int) -> GroupMember | None:
    """Give a member's partitions to the others, and tell it nothing; None when there is no such member."""
    members = [member for member in group._members.values() if member.alive]
    if which >= len(members):
        return None
    group._members.pop(members[which].seat)
    group._expire(members[which].seat)
    return members[which]


async def readmit(group: MemoryGroup, member: GroupMember) -> None:
    """The group tells it that its partitions went, and takes it in again."""
    await member.revoke()
    if member.alive and member.seat not in group._members:
        group._members[member.seat] = member
        group._expire(member.seat)
