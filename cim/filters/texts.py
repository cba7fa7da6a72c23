"""Conditions on texts: folding away case and accents, and the patterns of LIKE."""

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.filters.nodes import Call, Literal, Node
from cim.filters.operands import Value


def folded(op: str, value: Value) -> Value:
    """A text without its case (``casei``) or without its accents (``accenti``)."""
    if op == "casei":
        return sa.func.lower(value)
    apart = sa.func.normalize(value, sa.literal_column("NFD"))
    marks = sa.literal("[\u0300-\u036f]", sa.Text)
    return sa.func.normalize(sa.func.regexp_replace(apart, marks, "", "g"), sa.literal_column("NFC"))


def check_pattern(node: Node) -> None:
    """Refuse a pattern that is not written out, or that ends in half an escape."""
    while isinstance(node, Call) and node.op in ("casei", "accenti") and len(node.args) == 1:
        node = node.args[0]
    if not (isinstance(node, Literal) and isinstance(node.value, str)):
        raise BadRequest(
            "the pattern of LIKE is not a text", where="filter", remedy="write LIKE '%路', with % and _ as wildcards"
        )
    backslashes = len(node.value) - len(node.value.rstrip("\\"))
    if backslashes % 2:
        raise BadRequest("the pattern of LIKE ends in one \\", where="filter", remedy="write \\\\ for a backslash")
