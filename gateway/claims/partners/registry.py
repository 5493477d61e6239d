"""All partners by code. A partner folder that is wrong stays out; the others serve."""

from collections.abc import Iterator

from gateway.claims.partners.partner import Partner


class Registry:
    def __init__(self, partners: dict[str, Partner]) -> None:
        self._partners = partners

    def get(self, code: str) -> Partner | None:
        return self._partners.get(code)

    def __iter__(self) -> Iterator[Partner]:
        return iter(self._partners.values())

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(sorted(self._partners))
