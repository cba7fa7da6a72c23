"""Accounts of the broker: one for each API key, with what its role may publish and read, in Mosquitto's two files.

A key's id is the name, the key itself the password. Topics that anyone may post to show what everyone posts, so only
roles that may read everything read them; others read the topics of their grades.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cim.model.access import Grade, Operation, Principal
from cim.policy.rows import everywhere

BRIDGE = "cim-bridge"
POSTED = ("v1.1/Observations", "v1.1/+/Observations")
ALL = "v1.1/#"
_NAME = re.compile(r"^[0-9a-z-]{1,40}$")


@dataclass(frozen=True, slots=True)
class Account:
    """A name with a hashed password, and whose rights it has; None for the bridge, which may do everything."""

    name: str
    password_hash: str
    principal: Principal | None


def password_file(accounts: Sequence[Account]) -> str:
    """The file of names and hashes."""
    return "".join(f"{one.name}:{one.password_hash}\n" for one in accounts if _NAME.match(one.name))


def acl_file(accounts: Sequence[Account]) -> str:
    """The file of what each name may do; nothing for anybody who is not in it."""
    parts = [f"user {one.name}\n{''.join(f'topic {line}' + chr(10) for line in _topics(one))}" for one in accounts]
    return "\n".join(parts)


def grade_topic(grade: str, topic: str) -> str:
    """Where values of a grade are published for those who may read only some grades."""
    return f"{grade}/{topic}"


def _topics(account: Account) -> list[str]:
    if account.principal is None:
        return ["readwrite #"]
    reads, writes = (everywhere(account.principal, one) for one in (Operation.READ, Operation.IMPORT))
    found = [f"write {topic}" for topic in POSTED] if writes >= set(Grade) else []
    found += [f"read {ALL}"] if reads >= set(Grade) else []
    return found + [f"read {grade_topic(grade, ALL)}" for grade in sorted(reads)]
