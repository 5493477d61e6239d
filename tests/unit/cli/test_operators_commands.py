"""``lianpei work``, ``recon`` and ``webhooks`` at the operators' door: one way in, and an answer also where nothing is there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gateway.cli import main

COMMANDS = (["work", "list"], ["recon", "show"], ["webhooks", "list"])


@contextmanager
def door(status: int, answer: dict[str, Any]) -> Iterator[str]:
    """The address of one that always answers this."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_without_a_token_each_command_says_the_same(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LIANPEI_TOKEN", raising=False)
    assert main(words) == 1
    assert "[token-missing]\n  export LIANPEI_TOKEN=" in capsys.readouterr().err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_gateway_without_operators_is_not_told_as_a_wrong_address(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIANPEI_TOKEN", "t" * 32)
    with door(404, {"title": "Not Found", "code": "not-found", "hint": "See /openapi.json."}) as address:
        assert main([*words, "--admin", address]) == 1
    assert "this gateway names no operators" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "answer", "told"),
    [
        (["work", "list"], {"items": [], "next": ""}, "nothing waits for a person 没有待办\n"),
        (["recon", "show"], {"books": []}, "no books 没有账册\n"),
    ],
)
def test_an_empty_list_says_that_it_is_empty(
    words: list[str],
    answer: dict[str, Any],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIANPEI_TOKEN", "t" * 32)
    with door(200, answer) as address:
        assert main([*words, "--admin", address]) == 0
    assert capsys.readouterr().out == told
