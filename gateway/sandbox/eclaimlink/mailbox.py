"""The post office's shelves: what was handed in, and what waits to be fetched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import quoteattr

from gateway.kernel.clock import SHANGHAI

CLAIM_SUBMISSION, REMITTANCE_ADVICE, PRIOR_REQUEST, PRIOR_AUTHORIZATION = 2, 8, 16, 32
ANY = -1
SENT, RECEIVED = 1, 2
NEW, DOWNLOADED = 1, 2


@dataclass(slots=True)
class StoredFile:
    file_id: str
    name: str
    kind: int
    sender: str
    receiver: str
    content: bytes
    records: int
    stored_at: datetime
    ready_at: float
    """On the monotonic clock: an answer is not listed before the payer has decided."""
    direction: int
    """Seen by the provider: SENT or RECEIVED."""
    downloaded: bool = False

    def as_xml(self) -> str:
        fields = {
            "FileID": self.file_id,
            "FileName": self.name,
            "SenderID": self.sender,
            "ReceiverID": self.receiver,
            "TransactionDate": self.stored_at.astimezone(SHANGHAI).strftime("%d/%m/%Y %H:%M:%S"),
            "RecordCount": str(self.records),
            "IsDownloaded": str(self.downloaded),
        }
        return "<File " + " ".join(f"{name}={quoteattr(text)}" for name, text in fields.items()) + " />"


@dataclass(frozen=True, slots=True)
class Search:
    direction: int
    kind: int
    status: int
    name: str
    since: datetime | None
    until: datetime | None

    def matches(self, file: StoredFile) -> bool:
        return (
            file.direction == self.direction
            and self.kind in (ANY, file.kind)
            and self.status in (ANY, 0, DOWNLOADED if file.downloaded else NEW)
            and self.name in ("", file.name)
            and (self.since is None or self.since <= file.stored_at)
            and (self.until is None or file.stored_at <= self.until)
        )


@dataclass(slots=True)
class Mailbox:
    _files: dict[str, StoredFile] = field(default_factory=dict)

    def next_id(self) -> str:
        return str(900_001 + len(self._files))

    def store(self, file: StoredFile) -> None:
        self._files[file.file_id] = file

    def get(self, file_id: str, now: float) -> StoredFile | None:
        file = self._files.get(file_id)
        return file if file is not None and file.ready_at <= now else None

    def sent(self, name: str) -> StoredFile | None:
        return next((file for file in self._files.values() if file.direction == SENT and file.name == name), None)

    def waiting(self, receiver: str, now: float, kinds: Iterable[int]) -> list[StoredFile]:
        """New files for a receiver; an empty receiver asks for everybody's (the simulator has one customer)."""
        return [
            file
            for file in self._ready(now)
            if file.direction == RECEIVED and not file.downloaded and receiver in ("", file.receiver)
            if file.kind in tuple(kinds)
        ]

    def search(self, wanted: Search, now: float) -> list[StoredFile]:
        return [file for file in self._ready(now) if wanted.matches(file)]

    def _ready(self, now: float) -> Iterator[StoredFile]:
        return (file for file in self._files.values() if file.ready_at <= now)


def listing(files: Iterable[StoredFile]) -> str:
    """``<Files><File …/></Files>``, which travels as text inside the answer."""
    return "<Files>" + "".join(file.as_xml() for file in files) + "</Files>"
