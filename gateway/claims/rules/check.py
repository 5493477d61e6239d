"""All rules over one submission, in the order of their numbers."""

from collections.abc import Callable, Iterator

from gateway.claims.canonical.claim import Submission
from gateway.claims.rules import case, cover, idcard, lines, numbers, split
from gateway.claims.rules.finding import Finding, Severity
from gateway.kernel.errors import BadClaim, BadMoney

Rule = Callable[[Submission], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    lines.line_amounts,
    lines.lines_make_total,
    split.total_is_paid,
    split.scope_parts,
    split.fund_parts,
    split.personal_part,
    lines.line_parts,
    split.categories,
    split.commercial_share,
    lines.refunds,
    case.possible_visit,
    case.visit_times,
    case.policy_span,
    split.invoice,
    idcard.identity_card,
    case.diagnoses,
    numbers.plain_numbers,
    cover.policies_once,
    cover.guardian,
)

MOST = 100
"""So many findings are reported at most, refusals first: a wrong mapping breaks every line in the same way."""


_MONEY, _CLAIM = "the amounts of the bill do not tie out", "the bill breaks rules of the model"
_TOLD = ("rule", "fields", "difference_fen", "zh", "en")


def check_submission(s: Submission) -> list[Finding]:
    """Every rule that the submission breaks; an empty list is a sound bill. Raises nothing and changes nothing."""
    found = [finding for rule in RULES for finding in rule(s)]
    if len(found) > MOST:
        found.sort(key=lambda finding: finding.severity is Severity.FLAG)
        del found[MOST:]
    return found


def require_sound(s: Submission) -> list[Finding]:
    """The flags of a bill that may be taken. Raises ``BadMoney`` or ``BadClaim`` naming rules, fields, differences."""
    found = check_submission(s)
    if found and (refusals := [finding for finding in found if finding.severity is Severity.REFUSE]):
        raise _refusal(refusals)
    return found


def _refusal(refusals: list[Finding]) -> BadMoney | BadClaim:
    money = any(finding.rule.startswith("money-") for finding in refusals)
    error, title = (BadMoney, _MONEY) if money else (BadClaim, _CLAIM)
    fields = tuple(dict.fromkeys(field for finding in refusals for field in finding.fields))
    errors = tuple({name: getattr(finding, name) for name in _TOLD} for finding in refusals)
    return error(title, hint="Mend what each of errors names and send it again.", fields=fields[:MOST], errors=errors)
