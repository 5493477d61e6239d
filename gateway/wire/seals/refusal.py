"""One constructor per reason why a sealed message is not believed; each has its own stable code."""

from gateway.kernel.errors import SealRefused


def form(what: str) -> SealRefused:
    """The envelope is not built as the profile says."""
    return SealRefused(what, code="seal-form", hint="compare the message with the partner's envelope")


def signature(what: str = "the signature does not belong to this content and the agreed key") -> SealRefused:
    return SealRefused(what, code="seal-bad-signature", hint="check which key the partner signs with")


def unsigned(what: str = "the message carries no signature") -> SealRefused:
    return SealRefused(what, code="seal-unsigned", hint="the partner must sign this message")


def stale(what: str = "the message's time is outside the agreed window") -> SealRefused:
    return SealRefused(what, code="seal-stale", hint="compare both clocks; an old message must be sealed anew")


def not_covered(what: str) -> SealRefused:
    """Something that would be used was not signed: the mark of signature wrapping."""
    return SealRefused(what, code="seal-not-covered", hint="treat as an attack until the partner explains it")


def ambiguous(what: str) -> SealRefused:
    """The signed text belongs to more than one message: the mark of smuggling between key=value pairs."""
    return SealRefused(what, code="seal-ambiguous", hint="treat as an attack until the partner explains it")


def header(what: str) -> SealRefused:
    """The envelope's header asks for a way of reading that was not agreed."""
    return SealRefused(what, code="seal-header", hint="only the header members in the manifest are agreed")


def duplicate_id() -> SealRefused:
    return SealRefused(
        "an id occurs twice, so a reference is ambiguous",
        code="seal-duplicate-id",
        hint="treat as an attack until the partner explains it",
    )


def algorithm(what: str = "the message uses an algorithm outside the agreed list") -> SealRefused:
    return SealRefused(
        what, code="seal-algorithm", hint="the agreed algorithms stand in the manifest, never in a message"
    )


def untrusted(what: str = "the message is signed with another certificate than the agreed one") -> SealRefused:
    return SealRefused(
        what,
        code="seal-untrusted-key",
        hint="load the partner's new certificate, if the partner announced one",
    )


def decrypt(what: str = "the message does not decrypt") -> SealRefused:
    return SealRefused(what, code="seal-decrypt", hint="check which key the partner encrypts to")


def not_encrypted() -> SealRefused:
    return SealRefused(
        "the message is not encrypted",
        code="seal-not-encrypted",
        hint="the partner must encrypt this message",
    )


def recipient() -> SealRefused:
    return SealRefused(
        "the message is meant for another hospital code", code="seal-recipient", hint="check the agreed hospital code"
    )
