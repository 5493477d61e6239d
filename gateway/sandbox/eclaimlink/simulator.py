"""The post office's door: one path, one SOAP operation per request, an int result code in every answer."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from aiohttp import web

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk, Received
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import is_playing
from gateway.sandbox.common.trouble import Do, Repertoire
from gateway.sandbox.eclaimlink import mailbox as box
from gateway.sandbox.eclaimlink.files import ClaimFile, Payment, Reader, Record, authorization, remittance
from gateway.sandbox.eclaimlink.payer import Payer
from gateway.sandbox.eclaimlink.security import Element, Identity, sign, verify
from gateway.sandbox.eclaimlink.soap import Service, fault
from gateway.sandbox.terms import is_slow

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "insurers" / "eclaimlink"
LOGIN = "TESTLOGIN"
LONGEST_SEARCH = timedelta(days=100)
_EVERY_KIND = (box.REMITTANCE_ADVICE, box.PRIOR_AUTHORIZATION)


class EClaimLink:
    code = "eclaimlink"

    def __init__(self, settings: SimulatorSettings, schemas: Path = SCHEMAS) -> None:
        self._settings = settings
        self._identity = Identity.load(settings.keys)
        self._password = (settings.keys / "eclaimlink-pwd.secret").read_text().strip()
        self._service = Service(schemas / "postoffice.wsdl")
        self._reader = Reader(schemas)
        upload = frozenset({"UploadTransaction"})
        self._desk = Desk(
            self.code,
            Repertoire(
                answers=self._service.names,
                deciding=upload,
                signature=rb"SignatureValue>\s*(\w)",
                signed=self._service.names,
                amounts=upload,
            ),
        )
        self._mailbox = box.Mailbox()
        self._payer = Payer(self._desk.ledger)
        self._contents: dict[str, bytes] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "UploadTransaction": self._upload,
            "GetNewTransactions": self._new,
            "DownloadTransactionFile": self._download,
            "SetTransactionDownloaded": self._set_downloaded,
            "SearchTransactions": self._search,
            "CheckForNewPriorAuthorizationTransactions": self._check_prior,
            "GetNewPriorAuthorizationTransactions": self._new_prior,
        }

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/postoffice", self._post)
        app.router.add_get("/postoffice", self._describe)
        return app

    async def close(self) -> None:
        """Nothing is under way: answers are files that wait to be fetched."""

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._service.wsdl, content_type="text/xml")

    async def _post(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request)
        try:
            body = verify(parse_xml(message.body), self._identity, self._settings.clock.now())
            operation, members = self._service.read(body)
        except (MessageRefused, Violation) as error:
            return self._answer(fault("soap:Client", error.message), status=500)
        message.op = operation
        return await self._serve(request, message, members)

    async def _serve(self, request: web.Request, message: Received, members: dict[str, Any]) -> web.Response:
        async def work() -> web.Response:
            return self._answer(self._service.write(message.op, self._run(message.op, members)))

        return await self._desk.serve(request, message.op, work)

    def _answer(self, envelope: Element, status: int = 200) -> web.Response:
        content = sign(envelope, self._identity, self._settings.clock.now())
        return web.Response(body=content, status=status, content_type="text/xml", charset="utf-8")

    def _run(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        result = operation + "Result"
        try:
            self._log_in(members)
            return {result: 0, "errorMessage": "", **self._operations[operation](members)}
        except Violation as refused:
            answer = {result: int(refused.peer_code), "errorMessage": refused.message}
            return answer | (_report(refused) if operation == "UploadTransaction" else {})

    def _log_in(self, members: dict[str, Any]) -> None:
        given = (members["login"] or "").encode(), (members["pwd"] or "").encode()
        if given[0] != LOGIN.encode() or not hmac.compare_digest(given[1], self._password.encode()):
            raise Violation("-1", "login failed")

    def _upload(self, members: dict[str, Any]) -> dict[str, Any]:
        name, content = members["fileName"], members["fileContent"]
        if not name or not content:
            raise Violation("-3", "fileName and fileContent must be filled")
        file = self._reader.read(content)
        digest = b"".join(record.content for record in file.records)
        known = self._mailbox.sent(name)
        if known is not None and self._contents[known.file_id] == digest:
            return {"TransactionID": known.file_id}
        self._refuse_repeats(file, name)
        kind = box.CLAIM_SUBMISSION if file.root == "Claim.Submission" else box.PRIOR_REQUEST
        sent = self._put(name, kind, file.sender, file.receiver, content, len(file.records), box.SENT)
        self._contents[sent.file_id] = digest
        for record in file.records:
            self._desk.script.about("UploadTransaction", record.member_id)
            self._decide(file, record, name)
        return {"TransactionID": sent.file_id}

    def _refuse_repeats(self, file: ClaimFile, name: str) -> None:
        """A lost answer is repaired by the same file again; anything else under a known claim would pay twice."""
        again = [record for record in file.records if record.kind == "claim" and self._payer.has(record.id)]
        if any(not record.is_resubmission or not self._payer.may_resubmit(record.id) for record in again):
            raise Violation("-2", "a claim with this ID was already decided")
        if self._mailbox.sent(name) is not None and not again:
            raise Violation("-2", "the file name was used for another content")

    def _decide(self, file: ClaimFile, record: Record, name: str) -> None:
        now, reference = self._settings.clock.now(), self._mailbox.next_id()
        wait = self._settings.slow_s if is_slow(record.member_id) else self._settings.delay_s
        if record.kind == "claim":
            payments = _as_told(self._payer.decide(record, reference, name))
            content = remittance(file, record, payments, reference, now)
            self._put(f"RA-{reference}.xml", box.REMITTANCE_ADVICE, file.receiver, file.sender, content, 1, wait_s=wait)
        elif record.kind in ("Authorization", "Eligibility"):
            content = authorization(file, record, self._payer.quote(record), reference, now)
            name = f"PA-{reference}.xml"
            self._put(name, box.PRIOR_AUTHORIZATION, file.receiver, file.sender, content, 1, wait_s=wait)

    def _put(
        self,
        name: str,
        kind: int,
        sender: str,
        receiver: str,
        content: bytes,
        records: int,
        direction: int = box.RECEIVED,
        wait_s: float = 0,
    ) -> box.StoredFile:
        clock = self._settings.clock
        ready_at = clock.monotonic() + wait_s
        file = box.StoredFile(
            self._mailbox.next_id(), name, kind, sender, receiver, content, records, clock.now(), ready_at, direction
        )
        self._mailbox.store(file)
        return file

    def _waiting(self, members: dict[str, Any], kinds: tuple[int, ...]) -> list[box.StoredFile]:
        return self._mailbox.waiting(members["SenderID"] or "", self._settings.clock.monotonic(), kinds)

    def _new(self, members: dict[str, Any]) -> dict[str, Any]:
        return {"xmlTransactions": box.listing(self._waiting(members, _EVERY_KIND))}

    def _new_prior(self, members: dict[str, Any]) -> dict[str, Any]:
        files = self._waiting(members, (box.PRIOR_AUTHORIZATION,))
        code = 0 if files else 2
        return {"GetNewPriorAuthorizationTransactionsResult": code, "foundTransactions": box.listing(files)}

    def _check_prior(self, members: dict[str, Any]) -> dict[str, Any]:
        code = 0 if self._waiting(members, (box.PRIOR_AUTHORIZATION,)) else 2
        return {"CheckForNewPriorAuthorizationTransactionsResult": code}

    def _file(self, members: dict[str, Any]) -> box.StoredFile:
        if not members["fileId"]:
            raise Violation("-3", "fileId must be filled")
        file = self._mailbox.get(members["fileId"], self._settings.clock.monotonic())
        if file is None:
            raise Violation("-6", "file not found")
        return file

    def _download(self, members: dict[str, Any]) -> dict[str, Any]:
        file = self._file(members)
        return {"fileName": file.name, "file": file.content}

    def _set_downloaded(self, members: dict[str, Any]) -> dict[str, Any]:
        self._file(members).downloaded = True
        return {}

    def _search(self, members: dict[str, Any]) -> dict[str, Any]:
        since, until = _day(members["transactionFromDate"]), _day(members["transactionToDate"])
        if not members["transactionFileName"] and since is None:
            raise Violation("-10", "no search criteria")
        if since is not None and until is not None and until - since > LONGEST_SEARCH:
            raise Violation("-5", "the search range is too long")
        wanted = box.Search(
            members["direction"],
            members["transactionID"],
            members["transactionStatus"],
            members["transactionFileName"] or "",
            since,
            until,
        )
        return {"foundTransactions": box.listing(self._mailbox.search(wanted, self._settings.clock.monotonic()))}


def _as_told(payments: list[Payment]) -> list[Payment]:
    """What the remittance says, with 1.00 more in its first line when the script asks for a wrong amount."""
    first, *others = payments
    return [replace(first, fen=first.fen + 100), *others] if is_playing(Do.WRONG_AMOUNT) else payments


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise Violation("-3", "a date must be dd/MM/yyyy HH:mm:ss") from error


def _report(refused: Violation) -> dict[str, Any]:
    text = f"<Errors><Error Text={quoteattr(refused.message)} /></Errors>"
    return {"errorReport": text.encode()} if refused.peer_code == "-2" else {}
