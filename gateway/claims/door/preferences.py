"""What a request prefers (RFC 7240): how long to wait, to be asked before a settlement, to go on as a quick-claim."""

import re
from functools import lru_cache

import msgspec
from aiohttp import web

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.counter import CounterWish
from gateway.claims.canonical.types import UNSET
from gateway.kernel.errors import BadRequest

_DEFAULT_WAIT_S = 25
_LONGEST_WAIT_S = 60
_ASKED = ("confirm", "quick-claim")
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# Possessive throughout: a header that matches nowhere is given up at once.
_ONE = re.compile(
    rf'\s*+(?:({_NAME})(?:\s*+=\s*+({_QUOTED}|[^\s",;]*+))?\s*+((?:;(?:[^",]|{_QUOTED})*+)?))?(?:,|\Z)',
)
_PARAMETER = re.compile(rf";\s*({'|'.join(_ASKED)})\s*(?:[;=]|$)", re.IGNORECASE)


class Preferences(msgspec.Struct, frozen=True):
    """The preferences that this door knows; the others are ignored, as the RFC has it."""

    wait: float = float(_DEFAULT_WAIT_S)
    confirm: bool = False
    quick_claim: bool = False
    applied: str = ""
    """``Preference-Applied``: what was asked for and is done."""
    clear: bool = True
    """False where ``confirm`` or ``quick-claim`` may be meant, but not so that it can be followed."""

    def require_clear(self) -> None:
        """Raises ``BadRequest``: a bill must not be settled because the wish to be asked before was not understood."""
        if not self.clear:
            raise BadRequest(
                "the Prefer header says something that can't be followed",
                code="preference-unclear",
                hint='Write it like "wait=20, confirm, quick-claim": confirm and quick-claim have no value.',
            )

    def laid_on(self, submission: Submission) -> Submission:
        """``Prefer: confirm`` and ``Prefer: quick-claim`` say in any format what ``counter`` says in a canonical bill."""
        if not self.confirm and not self.quick_claim:
            return submission
        wish = CounterWish() if submission.counter is UNSET else submission.counter
        if self.confirm:
            wish = msgspec.structs.replace(wish, confirm=True)
        if self.quick_claim:
            wish = msgspec.structs.replace(wish, quick_claim=True)
        return msgspec.structs.replace(submission, counter=wish)


NONE = Preferences()


def preferences_of(request: web.Request) -> Preferences:
    """Of all its header lines together (RFC 9110, section 5.3)."""
    lines = request.headers.getall("Prefer", None)
    return NONE if lines is None else preferences(",".join(lines))


@lru_cache(maxsize=64)
def preferences(text: str) -> Preferences:
    """What the field's value says. Callers send few different ones, so each is read once."""
    said, clear = _listed(text)
    wait, applied = float(_DEFAULT_WAIT_S), []
    if (digits := said.get("wait", "")).isascii() and digits.isdigit():
        enough = digits.lstrip("0")[:3]  # three digits are past the longest already
        wait = float(min(int(enough or 0), _LONGEST_WAIT_S))
        applied.append(f"wait={wait:g}")
    asked = [name for name in _ASKED if said.get(name) == ""]
    clear = clear and len(asked) == len(said.keys() & set(_ASKED))
    return Preferences(wait, "confirm" in asked, "quick-claim" in asked, ", ".join([*applied, *asked]), clear)


def _listed(text: str) -> tuple[dict[str, str], bool]:
    """Names in lower case to their values, the first of each; False where it is no list, or a wish stands behind ``;``."""
    found: dict[str, str] = {}
    clear, place = True, 0
    while place < len(text):
        one = _ONE.match(text, place)
        if one is None:
            return found, False
        if one[1]:
            found.setdefault(one[1].lower(), _plain(one[2] or ""))
            clear = clear and not _PARAMETER.search(one[3])
        place = one.end()
    return found, clear


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
