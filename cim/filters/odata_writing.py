"""Query options written out again, for the links that lead to a next page of what an expansion brought in."""

from cim.filters.nodes import Call, Geometry, Literal, Moment, Node, Property
from cim.filters.odata_grammar import Expansion, Options, Order

_INFIX = frozenset({"eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod", "and", "or"})
_DAY_S = 86_400


def written(node: Node) -> str:
    """A condition or value as text that reads as the same tree."""
    match node:
        case Property(name):
            return name
        case Literal(value):
            if isinstance(value, str):
                return "'" + value.replace("'", "''") + "'"
            return str(value).lower() if isinstance(value, bool) else repr(value)
        case Moment(value):
            return value.isoformat()
        case Call(op, args):
            return _call(op, args)
    raise ValueError("an interval or a bare geometry is no part of this language")


def _call(op: str, args: tuple[Node, ...]) -> str:
    first = args[0] if args else None
    if op == "null":
        return "null"
    if op == "clock" and isinstance(first, Literal):
        return str(first.value)
    if op == "duration" and isinstance(first, Literal):
        days, seconds = divmod(abs(float(first.value)), _DAY_S)
        return f"duration'{'-' if float(first.value) < 0 else ''}P{int(days)}DT{seconds:.6f}S'"
    if isinstance(first, Geometry):
        return f"{op}'{first.shape.wkt}'"
    parts = [written(arg) for arg in args]
    if op in _INFIX:
        return f"({f' {op} '.join(parts)})"
    return f"not ({parts[0]})" if op == "not" else f"{op}({','.join(parts)})"


def options_text(options: Options) -> dict[str, str]:
    """Query options by name, without those that are not given; ``$skip`` is left out, as a next page starts anew."""
    found = {}
    if options.filter is not None:
        found["$filter"] = written(options.filter)
    if options.orders:
        found["$orderby"] = ",".join(_order(order) for order in options.orders)
    if options.expand:
        found["$expand"] = ",".join(_expansion(one) for one in options.expand)
    if options.select is not None:
        found["$select"] = ",".join(options.select)
    if options.top is not None:
        found["$top"] = str(options.top)
    if options.count:
        found["$count"] = "true"
    return found


def _order(order: Order) -> str:
    return written(order.value) + (" desc" if order.descending else "")


def _expansion(expansion: Expansion) -> str:
    inner = options_text(expansion.options)
    if expansion.options.skip:
        inner["$skip"] = str(expansion.options.skip)
    text = ";".join(f"{name}={value}" for name, value in inner.items())
    return "/".join(expansion.path) + (f"({text})" if text else "")
