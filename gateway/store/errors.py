"""What can go wrong between a room and its durable memory.

LianpeiError
├── Duplicate       a row with this key or unique value exists: nothing of the unit was kept
├── StaleWrite      the row is not what the unit expected: nothing of the unit was kept, read and decide again
├── BadUnit         the unit or the question does not fit the schema: a mistake in the program
├── StoreFailed     disk full, I/O error, corrupt file, closed store: the unit was not acknowledged
└── VaultRefused    a sealed record was changed, moved to another row, or its master key is not here

``StoreFailed`` means "not acknowledged", not "not written": after an I/O error in COMMIT the unit may turn out to be on
disk at the next start. Whoever gets it reads back by id before doing anything that can't be done twice.
"""

from typing import ClassVar

from gateway.kernel.errors import LianpeiError


class _TableError(LianpeiError):
    """Names the table, never a value of it."""

    text: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    def __init__(self, table: str) -> None:
        super().__init__(f"{table}: {self.text}", hint=self.advice)
        self.table = table


class Duplicate(_TableError):
    code = "duplicate"
    http_status = 409
    text = "a row with this key exists"
    advice = "Read the row that exists; it was written first."


class StaleWrite(_TableError):
    code = "stale-write"
    http_status = 409
    text = "the row is not what this change expected"
    advice = "Read the row again and decide again."


class BadUnit(LianpeiError):
    code = "bad-unit"


class StoreFailed(LianpeiError):
    code = "store-failed"
    http_status = 503
    retry_after_s = 1


class VaultRefused(LianpeiError):
    code = "vault-refused"


def closed_store() -> StoreFailed:
    return StoreFailed(
        "the store is closed", code="store-closed", hint="The gateway is stopping; send it again to the next one."
    )
