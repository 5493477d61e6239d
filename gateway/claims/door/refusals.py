"""What support finds a refusal by: one log line and one count each, under the id that the answer carries."""

import msgspec
from aiohttp import hdrs, web

from gateway.claims.door.entrance import known_caller
from gateway.claims.door.problems import REQUEST_ID, answer_to, named
from gateway.kernel.ids import new_request_id
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics

_log = get_logger("lianpei.door")


class Refusals(msgspec.Struct, frozen=True):
    """Of one door. Only a refusal gets an id: an answer that is none names its order."""

    door: str
    metrics: Metrics

    def answer(self, request: web.Request, wrong: Exception) -> web.Response:
        return self.note(request, named(wrong).error_code, answer_to(request, wrong))

    def note(self, request: web.Request, code: str, answer: web.Response) -> web.Response:
        """A refusal that has its answer. A method and a path that nobody serves are the caller's own words: they are left out."""
        answer.headers[REQUEST_ID] = request_id = new_request_id()
        caller, resource = known_caller(request), request.match_info.route.resource
        told: dict[str, str] = {"hospital": caller.tenant.hospital} if caller is not None else {}
        if request.method in hdrs.METH_ALL:
            told["method"] = request.method
        if resource is not None:
            told["route"] = resource.canonical
        _log.event("refused", request_id=request_id, door=self.door, code=code, status=answer.status, **told)
        self.metrics.refused(code)
        return answer


REFUSALS = web.AppKey("refusals", Refusals)
