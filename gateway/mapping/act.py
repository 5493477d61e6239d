"""A compiled act at work: run the generated function, validate, and turn every failure into one that names no value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.kernel.errors import ConfigRefused, MessageRefused
from gateway.kernel.xml import MAX_BYTES
from gateway.mapping.api import CompiledAct, Incoming, Outgoing, Pin
from gateway.mapping.code.safety import leaf_at, place_of
from gateway.mapping.encodings import encoded
from gateway.mapping.errors import MappingFailed
from gateway.mapping.mapfile import Target
from gateway.mapping.nearby import field_at
from gateway.mapping.opening import is_utf8, open_document
from gateway.mapping.outside import Outside, validate_inner, validate_read, validate_written
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.schemas.base import SchemaBreachError, TargetSchema
from gateway.mapping.sections import Compiled
from gateway.mapping.yamlfile import STRIDE

_AT = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of an act: its function, format and schema."""

    compiled: Compiled
    target: Target
    schema: TargetSchema | None
    sure: bool = False
    """Every document surely fits the schema, as long as no repeated element comes out empty."""


@dataclass(frozen=True, slots=True)
class HttpSpec:
    method: str
    action: str
    gzip: bool = False
    status: int = 200


@dataclass(slots=True)
class MappedAct:
    """The ``CompiledAct`` of one file. Holds no message state; safe to use from many tasks."""

    pin: Pin
    file: str
    outside: Outside
    result: type | None
    request: Direction | None
    http: HttpSpec
    answer: Direction | None = None
    callback: Direction | None = None
    callback_path: str = ""
    reply: Direction | None = None
    reply_status: int = 200

    def every(self) -> tuple[CompiledAct, ...]:
        return (self,)

    def pinned(self, pin: Pin) -> "MappedAct":  # noqa: ARG002 - the only version there is
        return self

    def write(self, source: Any) -> Outgoing:
        if self.request is None:
            raise ConfigRefused(f"{self.pin.name} makes no request", code="no-request")
        made = run_located(self.request.compiled, self.pin.name, source)
        text, path, query, headers, protected, correlation, inner, bare = made
        document = self._document(self.request, text, inner, sure=self.request.sure and not bare)
        return Outgoing(
            *(document, self._content_type(self.request.target), self.http.method, path, query),
            headers=self._soap_action(headers) if self.http.action else headers,
            protected=protected,
            correlation=correlation,
            pin=self.pin,
            gzip=self.http.gzip,
            utf8=is_utf8(self.request.target.encoding),
            act=self,
        )

    def read(self, incoming: Incoming, sent: Any = None) -> dict[str, Any]:
        if self.answer is None:
            raise ConfigRefused(f"{self.pin.name} reads no answer", code="no-answer")
        return self._read(self.answer, incoming, sent)[0]

    def read_callback(self, incoming: Incoming) -> dict[str, Any]:
        if self.callback is None:
            raise ConfigRefused(f"{self.pin.name} has no callback", code="no-callback")
        result, key = self._read(self.callback, incoming, None)
        return {**result, "correlation": key} if key else result

    def write_reply(self, incoming: Incoming) -> Outgoing:
        if self.reply is None or self.callback is None:
            raise ConfigRefused(f"{self.pin.name} has no reply", code="no-reply")
        document = self._parsed(self.callback.target, incoming.document)
        made = run_located(self.reply.compiled, self.pin.name, document, incoming.http_status, incoming.protected)
        text, headers, inner = made
        body = self._document(self.reply, text, inner)
        return Outgoing(body, self._content_type(self.reply.target), "", "", headers=headers, status=self.reply_status)

    def _soap_action(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """SOAP 1.1 has a header for it; SOAP 1.2 says it in the content type."""
        if self.request is None or self.request.target.kind != "soap11":
            return headers
        return {"SOAPAction": f'"{self.http.action}"', **headers}

    def _content_type(self, target: Target) -> str:
        stated = _CONTENT_TYPES[target.kind].format((target.declared or target.encoding).lower())
        action = self.http.action if target.kind == "soap12" else ""
        return f'{stated}; action="{action}"' if action else stated

    def _document(
        self, direction: Direction, text: str | None, inner: list[tuple[int, str]], *, sure: bool = False
    ) -> bytes:
        """Encoded and validated: nothing that breaks the partner's schema leaves. What is sure needs no second look."""
        if text is None:
            return b""
        document = self._encoded(text, direction.target)
        if not sure or len(document) > MAX_BYTES:
            self._hold(partial(validate_written, direction.target, direction.schema, document))
        for index, part in inner:
            self._hold(partial(validate_inner, self.outside, direction.compiled.inner[index], part))
        return document

    def _encoded(self, text: str, target: Target) -> bytes:
        try:
            if target.lacking == "strict":
                return text.encode(target.encoding)
            return encoded(text, target.encoding, target.lacking, target.kind)
        except UnicodeEncodeError as error:
            field = field_at(text, error.start, target.kind)
        raise MappingFailed(self.pin.name, 0, field, "", f"a character that {target.encoding} lacks")

    def _read(self, direction: Direction, incoming: Incoming, sent: Any) -> tuple[dict[str, Any], str]:
        document = self._parsed(direction.target, incoming.document)
        if document is not UNSET and direction.schema is not None:
            self._hold(partial(validate_read, direction.target, direction.schema, document))
        protected = dict(incoming.protected)
        result, key = run_located(direction.compiled, self.pin.name, document, incoming.http_status, protected, sent)
        self._typed(result)
        return result, key

    def _typed(self, result: dict[str, Any]) -> None:
        if self.result is None:
            return
        try:
            msgspec.convert(result, self.result)
            return
        except msgspec.ValidationError as error:
            found = _AT.search(str(error))
        raise MappingFailed(self.pin.name, 0, found[1] if found else "result", "", "not what the result's type allows")

    def _parsed(self, target: Target, document: bytes) -> Any:
        """Plain data or the root element; an empty body is absent, because a failing partner may send none."""
        if not document or document.isspace():
            return UNSET
        try:
            return open_document(document, target)
        except MessageRefused as refused:
            rule = refused
        raise MessageRefused(f"{self.pin.name}: {rule.message}", code=rule.error_code, hint=rule.hint)

    def _hold(self, check: Callable[[], None]) -> None:
        try:
            check()
            return
        except SchemaBreachError as breach:
            places = breach.places
        except (MessageRefused, UnicodeEncodeError):
            places = ("the document: malformed",)
        raise MappingFailed(self.pin.name, 0, "", "", "breaks its schema at " + "; ".join(places))


def run_located(compiled: Compiled, name: str, *args: Any) -> Any:
    """Run generated code; a failure names the YAML file and line, target and source, and drops the error that may hold values."""
    try:
        return compiled.run(*args)
    except Exception as error:
        place = place_of(error, compiled.files[0])
        reason = str(error) if isinstance(error, RefusalError) else f"can't be computed ({type(error).__name__})"
    leaf = leaf_at(compiled.leaves, place)
    target, source = (leaf.target, leaf.source) if leaf else ("", "")
    number, line = divmod(place[0], STRIDE) if place else (0, 0)
    file = PurePath(compiled.files[number])
    raise MappingFailed(name, line, target, source, reason, f"{file.parent.name}/{file.name}")


_CONTENT_TYPES = {
    "json": "application/json;charset=utf-8",
    "form": "application/x-www-form-urlencoded",
    "csv": "text/csv; charset={}",
    "soap11": "text/xml; charset={}",
    "soap12": "application/soap+xml; charset={}",
    "xml": "application/xml; charset={}",
}
