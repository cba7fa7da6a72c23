"""The policy against an oracle of its own: a plain table of who may see what."""

from datetime import UTC, datetime
from itertools import product

import pytest

from cim.errors import NotAllowed, NotFound, NotIdentified
from cim.model.access import Grade, Operation, Principal, Right
from cim.model.collection import Collection, CollectionSchema, Field
from cim.policy.policy import decide, may, read_context, readable, require

READ = frozenset({Operation.READ})
OPEN_TO = {
    Grade.PUBLIC: {"anonymous", "viewer", "technician", "administrator"},
    Grade.INTERNAL: {"viewer", "technician", "administrator"},
    Grade.RESTRICTED: {"technician", "administrator"},
    Grade.DRAFT: {"technician", "administrator"},
}


def principal(role: str) -> Principal:
    rights = tuple(Right(grade, READ) for grade, roles in OPEN_TO.items() if role in roles)
    return Principal(role, role, rights)


def collection(grade: Grade, version: int = 1) -> Collection:
    fields = (Field("name", "text"), Field("owner", "text", Grade.RESTRICTED), Field("use", "text", Grade.INTERNAL))
    schema = CollectionSchema("layer", "Polygon", 4490, fields, None)
    return Collection(schema, grade, version, 1, None, datetime.now(UTC))


@pytest.mark.parametrize(("role", "grade"), list(product(sorted(OPEN_TO[Grade.PUBLIC]), Grade)))
def test_roles_and_grades(role: str, grade: Grade) -> None:
    who, what = principal(role), collection(grade)
    if role in OPEN_TO[grade]:
        decision = decide(who, what)
        field_grades = {"name": Grade.PUBLIC, "owner": Grade.RESTRICTED, "use": Grade.INTERNAL}
        expected = [n for n, g in field_grades.items() if n == "name" or role in OPEN_TO[g]]
        assert list(decision.field_names) == expected
    else:
        with pytest.raises(NotFound):
            decide(who, what)
        assert readable(who, [what]) == []


def test_what_has_no_version_does_not_exist() -> None:
    with pytest.raises(NotFound):
        decide(principal("administrator"), collection(Grade.PUBLIC, 0))


def test_nobody_without_rights_reads_anything() -> None:
    nobody = Principal("x", "x", ())
    assert readable(nobody, [collection(grade) for grade in Grade]) == []
    assert read_context(nobody).setting == ""


def test_regions_are_united_and_an_unlimited_row_opens_all() -> None:
    town = Principal("t", "t", (Right(Grade.PUBLIC, READ, "b"), Right(Grade.PUBLIC, READ, "a")))
    assert decide(town, collection(Grade.PUBLIC)).regions == ("a", "b")
    assert read_context(town).setting == "public=a,b"
    whole = Principal("w", "w", (*town.rights, Right(Grade.PUBLIC, READ)))
    assert decide(whole, collection(Grade.PUBLIC)).regions is None
    assert read_context(whole).setting == "public=*"


def test_policy_classes_are_equal_exactly_when_the_sight_is() -> None:
    what = collection(Grade.PUBLIC)
    classes = {role: decide(principal(role), what).policy_class for role in OPEN_TO[Grade.PUBLIC]}
    assert len({classes["anonymous"], classes["viewer"], classes["technician"]}) == 3
    assert classes["technician"] == classes["administrator"]
    town = Principal("t", "anonymous", (Right(Grade.PUBLIC, READ, "a"),))
    assert decide(town, what).policy_class != classes["anonymous"]


def test_a_hidden_field_stays_hidden_unless_another_row_opens_it() -> None:
    hiding = Right(Grade.PUBLIC, READ, hidden_fields=frozenset({"name"}))
    assert decide(Principal("h", "h", (hiding,)), collection(Grade.PUBLIC)).field_names == ()
    both = Principal("h", "h", (hiding, Right(Grade.PUBLIC, READ)))
    assert "name" in decide(both, collection(Grade.PUBLIC)).field_names


def test_operations() -> None:
    assert not may(principal("viewer"), Operation.IMPORT)
    with pytest.raises(NotIdentified):
        require(principal("anonymous"), Operation.IMPORT)
    with pytest.raises(NotAllowed):
        require(principal("viewer"), Operation.IMPORT)
