"""How a strict insurer says no: a code of its own and the name of what is wrong, never the value."""

from gateway.kernel.errors import InputRefused


class Violation(InputRefused):
    """A request that the insurer refuses. ``peer_code`` is the code of its protocol (docs/partners.md)."""

    code = "insurer-refuses"

    def __init__(self, peer_code: str, message: str) -> None:
        super().__init__(message)
        self.peer_code = peer_code


def words(text: str) -> tuple[str, ...]:
    """A table of names or codes written with blanks between them."""
    return tuple(text.split())
