"""The function table of docs/mapping.md. A need that the language can't express becomes a typed row here, with tests."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.mapping import witness
from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.functions import dates, numbers, text, widths
from gateway.mapping.functions.base import Function, bind
from gateway.mapping.lift import lift
from gateway.mapping.values import Scope, Unit, Value

FUNCTIONS: Mapping[str, Function] = {**text.TABLE, **widths.TABLE, **numbers.TABLE, **dates.TABLE}


def call_function(name: str, args: list[Value], options: Mapping[str, Value], scope: Scope, unit: Unit) -> Value:
    """Type a call. Raises ``MistakeError`` for arguments that the row does not accept."""
    function = FUNCTIONS[name]
    unknown = [option for option in options if option not in function.names]
    if unknown:
        raise MistakeError(
            "bad-argument", f"{name} has no option {unknown[0]!r}", did_you_mean(unknown[0], function.names)
        )
    bound = bind(name, function, args, options)
    if function.takes_absent:
        made = function.build(bound, scope, unit)
    else:
        made = lift(bound, scope, unit, lambda present: function.build(present, scope, unit), name)
    return made if made.is_const else replace(made, can=witness.called(name, bound))
