"""Names as words: what an insurer calls a thing and what the model calls it are brought to the same few words."""

import re
from functools import lru_cache

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[\u4e00-\u9fff]+")
_SAME = {
    "patient": "insured insuree member beneficiary person subject pat psn client customer",
    "gender": "sex",
    "birth": "dob birthday birthdate",
    "mobile": "phone tel telephone cell cellphone contact",
    "id": "identifier identity no number num nbr sn",
    "cert": "certificate idcard certi identification document",
    "code": "cd codg",
    "kind": "type category class",
    "amount": "amt money sum cost charge charges price_total payable pay gross net",
    "fund": "pool",
    "total": "all overall whole",
    "qty": "quantity cnt",
    "price": "unitprice unit",
    "name": "nm desc description title",
    "doctor": "physician clinician dr practitioner",
    "dept": "department ward clinic",
    "hospital": "provider facility institution org organisation organization medins fixmedins hosp medical",
    "visit": "encounter admission treatment episode stay mdtrt medicine",
    "begin": "start admit admitted",
    "end": "finish discharge discharged dscg",
    "diagnosis": "diag diagnoses dx icd disease",
    "procedure": "operation surgery procedures oprn oper",
    "line": "item detail activity lines fee service items details entry charge_item",
    "policy": "contract plc cover coverage",
    "claim": "case application request",
    "sent": "transaction trans message timestamp created send req",
    "at": "time datetime tm",
    "date": "day",
    "main": "primary principal major",
    "seq": "sequence order sort index srt position",
    "cash": "self own",
    "account": "acct",
    "invoice": "receipt bill",
    "consent": "authorization authorisation agreement",
    "spec": "specification standard",
    "days": "duration length",
    "bed": "berth",
    "claimed": "applied requested",
    "residual": "remaining balance left",
    "occurred": "happened incurred",
}
_WORD = {other: word for word, others in _SAME.items() for other in others.split()}
GENERIC = frozenset(("id", "code", "name", "kind", "date", "at", "amount"))
_FILLER = {"the", "of", "a", "an", "in", "and", "is", "or", "info", "information", "value", "str", "no_of"}


def pieces(name: str) -> list[str]:
    return [found.lower() for found in _PIECES.findall(name)]


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """``AdmDateTime`` → (adm, date, at); filler is dropped unless nothing else is left."""
    plain = [_WORD.get(piece, piece) for piece in pieces(name)]
    return tuple(word for word in plain if word not in _FILLER) or tuple(plain)


@lru_cache(4096)
def squeezed(name: str) -> str:
    """Letters and digits alone, in lower case: how national codes are compared."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def bigrams(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}
