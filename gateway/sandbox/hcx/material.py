"""The payer that wants documents before it decides: it asks once, in a cycle of its own, and decides when they came."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.common.script import is_playing
from gateway.sandbox.common.trouble import Do
from gateway.sandbox.hcx.bundle import Bundle

PREFIX = "MATERIAL"
"""Policies whose number starts so are asked about."""
PATH = "/partners/hcx/communication/request"
_CLAIM, _CYCLE = "urn:test:claim", "urn:test:correlation"


@dataclass(slots=True)
class Material:
    """Claims that wait for documents, by the sender's claim number: the cycle that asked and what it asked for."""

    _waiting: dict[str, tuple[str, Bundle]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def wants(self, bundle: Bundle, correlation_id: str) -> bool:
        """Whether this claim waits for documents from now on."""
        is_wanted = bundle.policy_no.startswith(PREFIX) or is_playing(Do.NEED_MORE)
        if not is_wanted or bundle.identifier in self._asked:
            return False
        self._asked.add(bundle.identifier)
        self._waiting[bundle.identifier] = (correlation_id, bundle)
        return True

    def brought(self, communication: Bundle) -> tuple[str, Bundle] | None:
        """The cycle and the claim that this communication is about, once."""
        named = (one.get("identifier", {}) for one in communication.main.get("about", []))
        numbers = [str(one.get("value")) for one in named if one.get("system") == _CLAIM]
        return self._waiting.pop(numbers[0], None) if numbers else None


def request(correlation_id: str, claim: str, now: datetime) -> dict[str, Any]:
    """A bundle with one CommunicationRequest about the claim and the cycle it came in."""
    main, written = str(uuid.uuid4()), now.astimezone(SHANGHAI).isoformat(timespec="seconds")
    about = ((_CYCLE, correlation_id), (_CLAIM, claim))
    resource = {
        "resourceType": "CommunicationRequest",
        "id": main,
        "status": "active",
        "about": [{"identifier": {"system": system, "value": value}} for system, value in about],
        "authoredOn": written,
        "payload": [{"contentString": "请补充费用清单"}],
    }
    entry = [{"fullUrl": f"urn:uuid:{main}", "resource": resource}]
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "type": "collection",
        "timestamp": written,
        "entry": entry,
    }
