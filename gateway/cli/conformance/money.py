"""Cases about money and memory: what is decided is decided once, is told the same again, and can be taken back."""

import re

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.plan import Step
from gateway.cli.conformance.bench import Bench, Played, Visit, converse
from gateway.cli.conformance.case import Case, Exam, Finding, beside, held
from gateway.kernel.money import yuan

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


def said(result: ActResult) -> str:
    """An answer in a few words; a code that does not look like one is not repeated, for it may be a sentence."""
    amount = f" {yuan(result.approved)}" if isinstance(result.approved, int) else ""
    shown = result.peer_code if _CODE.fullmatch(result.peer_code) else "?"
    code = f" [{shown}]" if result.peer_code else ""
    return f"{result.state}{amount}{code}"


async def decides(exam: Exam) -> Finding:
    """Every kind of claim that the folder offers is decided and paid."""
    ends = {kind: await exam.played(kind) for kind in exam.bench.kinds}
    if not ends:
        return beside("the folder has no conversation")
    facts = [f"{kind}: {one.step.act} {said(one.result)}{_why(one)}" for kind, one in ends.items()]
    return held(all(one.is_paid for one in ends.values()), *facts)


def _why(played: Played) -> str:
    return f" ({played.answer.trouble})" if played.answer.trouble else ""


async def amounts(exam: Exam) -> Finding:
    """Within the bill, as quoted, and as in the partner's own books."""
    facts, good = [], True
    for kind in exam.bench.kinds:
        one = await exam.played(kind)
        if not one.is_paid:
            continue
        booked = await exam.bench.booked(one.visit)
        fits = 0 <= one.approved <= one.visit.claim.claimed
        good = good and fits and one.quoted in (None, one.approved) and booked in (None, one.approved)
        quoted = f", quoted {yuan(one.quoted)}" if one.quoted is not None else ""
        books = f", booked {yuan(booked)}" if booked is not None else ""
        facts.append(f"{kind}: approved {yuan(one.approved)} of {yuan(one.visit.claim.claimed)}{quoted}{books}")
    return held(good, *facts) if facts else beside("nothing was paid, so there is no amount to compare")


async def same_act(exam: Exam) -> Finding:
    """The deciding act again under its own id: the first answer, and no second effect."""
    bench, one = exam.bench, await exam.played()
    if not one.is_paid:
        return beside("nothing was paid, so nothing can be repeated")
    again = await bench.send(one.visit, one.step, one.answer.act)
    return await _unmoved(bench, one, again.result)


async def same_bytes(exam: Exam) -> Finding:
    """The very same message again: the first answer or a refusal, and no second effect."""
    bench, one = exam.bench, await exam.played()
    if not one.is_paid:
        return beside("nothing was paid, so nothing can be repeated")
    again = await bench.again(one.visit, one.answer)
    if again.result.state in ("refused", "unknown"):
        applied = await bench.applied(one.visit)
        return held(applied in (None, 1), f"repeated: {said(again.result)} {again.trouble}", _times(applied))
    return await _unmoved(bench, one, again.result)


async def _unmoved(bench: Bench, first: Played, again: ActResult) -> Finding:
    applied = await bench.applied(first.visit)
    before = first.answer.result
    same = (again.state, again.approved, again.insurer_ref) == (before.state, before.approved, before.insurer_ref)
    caught_up = again.state == "accepted" and again.approved == first.result.approved
    facts = (f"first: {said(before)}", f"repeated: {said(again)}", _times(applied))
    return held((same or caught_up) and applied in (None, 1), *facts)


def _times(applied: int | None) -> str:
    return "the partner's books can't be seen" if applied is None else f"applied {applied} times in the books"


async def status_known(exam: Exam) -> Finding:
    """An enquiry by our act id finds the act and tells the same amount."""
    bench, one = exam.bench, await exam.played()
    if not one.step.rule.status:
        return beside("the folder has no enquiry about the deciding act")
    if not one.is_paid:
        return beside("nothing was paid, so there is nothing to find")
    found = (await bench.ask(one.visit, one.step, one.answer.act)).result
    same = found.state == "pending" or (found.state == "accepted" and found.approved in (one.approved, None))
    unnamed = found.state == "accepted" and not isinstance(found.approved, int)
    return held(same or unnamed, f"decided: {said(one.result)}", f"enquiry: {said(found)}")


async def status_unknown(exam: Exam) -> Finding:
    """An enquiry about an act that never was says not found: only then may it be sent again."""
    bench, one = exam.bench, await exam.played()
    if not one.step.rule.status:
        return beside("the folder has no enquiry about the deciding act")
    stranger = bench.visit(one.visit.claim.kind)
    stranger.refs.update({name: _other(value) for name, value in one.visit.refs.items()})
    never = bench.view(one.step, None, bench.partner.clock.now())
    found = await bench.ask(stranger, one.step, never)
    return held(found.result.state == "not_found", f"enquiry: {said(found.result)} {found.trouble}".rstrip())


def _other(reference: str) -> str:
    """A reference of the same form that nobody gave: its last six digits are nines."""
    kept, tail = reference[:-6], reference[-6:]
    return kept + "".join("9" if mark.isdigit() else mark for mark in tail)


async def undo_twice(exam: Exam) -> Finding:
    """A reversal is confirmed, confirmed again when it comes again, and true."""
    bench = exam.bench
    one = await converse(bench, bench.kinds[0])
    name = one.step.rule.undo
    if not name:
        return beside("the folder has no reversal of the deciding act")
    if not one.is_paid:
        return beside("nothing was paid, so there is nothing to take back")
    step = Step(name, bench.partner.manifest.rule(name))
    first = await bench.send(one.visit, step, target=one.answer.act)
    again = await bench.send(one.visit, step, first.act, target=one.answer.act)
    gone, facts = await _gone(bench, one)
    good = first.result.state == "accepted" and again.result.state in ("accepted", "not_found") and gone
    return held(good, f"reversal: {said(first.result)}", f"repeated: {said(again.result)}", *facts)


async def _gone(bench: Bench, one: Played) -> tuple[bool, list[str]]:
    applied, facts, gone = await bench.applied(one.visit), [], True
    if applied is not None:
        gone = applied == 0
        facts.append(_times(applied))
    if one.step.rule.status:
        after = (await bench.ask(one.visit, one.step, one.answer.act)).result
        gone = gone and (after.state in ("not_found", "refused") or after.verdict == "withdrawn")
        facts.append(f"enquiry after it: {said(after)}")
    return gone, facts


async def undo_unknown(exam: Exam) -> Finding:
    """A reversal of what never was moves nothing and is not confirmed with money."""
    bench, one = exam.bench, await exam.played()
    name = one.step.rule.undo
    if not name:
        return beside("the folder has no reversal of the deciding act")
    stranger = bench.visit(one.visit.claim.kind)
    stranger.refs.update({key: _other(value) for key, value in one.visit.refs.items()})
    before = await bench.applied(one.visit)
    found = await _undo(bench, stranger, name, one)
    after = await bench.applied(one.visit)
    facts = (f"reversal of nothing: {said(found)}", _times(after))
    return held(found.state in ("refused", "not_found") and before == after, *facts)


async def _undo(bench: Bench, visit: Visit, name: str, one: Played) -> ActResult:
    never = bench.view(one.step, None, bench.partner.clock.now())
    step = Step(name, bench.partner.manifest.rule(name))
    return (await bench.send(visit, step, target=never)).result


MONEY = (
    Case(
        "decides", 3, "每种理赔方式都能走到赔付", "every kind of claim is decided and paid",
        "按证据中的动作和代码检查该动作的处理", "look at the act and the code that the evidence names", decides,
    ),
    Case(
        "amounts", 3, "金额不超账单，与试算和账上一致", "amounts fit the bill, the quote and the books",
        "结算金额必须等于试算金额和入账金额", "settle exactly what was quoted and booked", amounts,
    ),
    Case(
        "same-act", 3, "同一动作号再来：答复相同，只办一次", "the same act id twice: the same answer and one effect",
        "以我方动作号判重，返回首次结果", "recognise our act id and answer with the first result", same_act,
    ),
    Case(
        "same-bytes", 2, "同一报文再来：不得再办", "the same bytes twice: no second effect",
        "重复报文返回首次结果或拒绝", "answer a repeat with the first result, or refuse it", same_bytes,
    ),
    Case(
        "status-known", 3, "按我方动作号查询，结果与金额一致", "an enquiry by our act id tells the same result",
        "查询必须认我方编号并返回同一金额", "find acts by our number and tell the same amount", status_known,
    ),
    Case(
        "status-unknown", 3, "查询不存在的动作：答“未找到”", "an enquiry about an unknown act says not found",
        "不存在的编号必须明确返回未找到", "say not found for a number that never came", status_unknown,
    ),
    Case(
        "undo-twice", 3, "撤销可重复，且确实撤销", "a reversal may come twice, and it is true",
        "撤销按同一编号判重；撤销后查询不得再为已赔", "repeat a reversal's answer; afterwards tell no settlement", undo_twice,
    ),
    Case(
        "undo-unknown", 1, "撤销不存在的结算：不得确认", "a reversal of what never was is not confirmed",
        "未找到的结算不得答成功", "do not confirm what you can't find", undo_unknown,
    ),
)  # fmt: skip
