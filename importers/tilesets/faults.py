"""What is wrong with a set of tiles: counted by kind, the first ones told in words."""

from dataclasses import dataclass, field

from importers.inspection import Problem

MOST_TOLD = 3
LONGEST = 200


@dataclass(slots=True)
class Faults:
    """Faults that refuse a set, and notes that do not, by code."""

    refusing: dict[str, list[str]] = field(default_factory=dict)
    noted: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, code: str, where: str, what: str) -> None:
        """A fault at a place: a document and a path in it, or a file."""
        self._put(self.refusing, code, where, what)

    def note(self, code: str, where: str, what: str) -> None:
        """Something to know that does not keep the set from being shown."""
        self._put(self.noted, code, where, what)

    def problems(self) -> list[Problem]:
        """As an inspection tells them: what refuses first."""
        told = [(self.refusing, True), (self.noted, False)]
        return [
            Problem(code, self.counts[code], ", ".join(messages), refuses)
            for group, refuses in told
            for code, messages in group.items()
        ]

    def __bool__(self) -> bool:
        return bool(self.refusing)

    def _put(self, group: dict[str, list[str]], code: str, where: str, what: str) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1
        messages = group.setdefault(code, [])
        if len(messages) < MOST_TOLD:
            messages.append(f"{where[:LONGEST]}: {what[:LONGEST]}")
