"""``code(table, x)`` is compiled by the grammar itself, because its first argument is a name; the row here makes it known."""

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.base import EVERYTHING, Function, Param
from gateway.mapping.values import Scope, Unit, Value


def _unreachable(_args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    raise MistakeError("bad-argument", "code needs a table's name and a value")


TABLE = {"code": Function((Param("table", EVERYTHING), Param("x", EVERYTHING)), _unreachable)}
