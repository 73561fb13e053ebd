"""Everything the service emits while the tests run, searched for person numbers where none may stand.

Registered by conftest.py for the whole run, or half of one. Looked at: the headers of every answer that a test gets
from the service, refusals and other OperationOutcomes, the addresses in a Bundle or a page, page titles, what the
service logs, what commands say, and what processes of the service write to their output. Not: what a browser is sent
(the same pages, which tests read without one), bodies that are the record itself, to whoever may
read it, and addresses that a test makes up to see them refused.
A number that looks like a person number is one, whoever it may belong to: ten digits that begin with a day and month.
"""

import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplan import auditing, cli, serving

CPR = re.compile(r"(?<![0-9A-Za-z.])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d-?\d{4}(?![0-9A-Za-z])", re.ASCII)
"""Like `careplan.fhir.reference.CPR`, and written anew: a fault there is not to hide what it lets through."""

_ADDRESSES = re.compile(r'"(?:url|fullUrl|location)"\s*:\s*"([^"]*)"|(?:href|action|src)="([^"]*)"')
_TITLE = re.compile(r"<title>([^<]*)</title>")
_ISSUES = re.compile(r'"resourceType"\s*:\s*"OperationOutcome"(.*)', re.DOTALL)
_OF_TESTS = ("httpx", "httpcore", "asyncio", "hypothesis", "playwright", "faker")
"""Loggers of what the tests ask with; the service's own, and its server's, are all others."""

_LARGEST = 4 * 1024 * 1024


class Emitted:
    """What was found, as the place, the test, and the number with its middle left out."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], str] = {}
        self.looked = 0
        self.outputs: set[Path] = set()

    def look(self, place: str, text: str) -> None:
        """Note a person number in a text that may hold none."""
        self.looked += 1
        number = CPR.search(text)
        if number is not None:
            test = os.environ.get("PYTEST_CURRENT_TEST", "after the tests").partition(" ")[0]
            self.found.setdefault((place, test), f"{number[0][:2]}…{number[0][-2:]}")

    def look_at_answer(self, answer: httpx.Response) -> None:
        """Headers, addresses, titles and refusals of one answer of the service."""
        for name, value in answer.headers.items():
            self.look(f"header {name}", value)
        if not hasattr(answer, "_content") or len(answer.content) > _LARGEST:
            return
        body = answer.content.decode("utf-8", "replace")
        if answer.status_code >= 400:
            self.look("body of a refusal", body)
        elif "OperationOutcome" in body:
            for issues in _ISSUES.findall(body):
                self.look("OperationOutcome", _diagnostics(issues))
        for pair in _ADDRESSES.findall(body):
            self.look("address in a body", pair[0] or pair[1])
        for title in _TITLE.findall(body):
            self.look("title of a page", title)

    def look_at_outputs(self) -> None:
        """What served processes have written."""
        for path in sorted(self.outputs):
            if path.exists() and path.stat().st_size <= _LARGEST * 16:
                for line in path.read_text("utf-8", "replace").splitlines():
                    self.look(f"output of a served process, {path.name}", line)


_SAID = re.compile(r'"(?:diagnostics|text)"\s*:\s*"((?:[^"\\]|\\.)*)"|"expression"\s*:\s*\[([^\]]*)\]')


def _diagnostics(issues: str) -> str:
    """What issues say, and where."""
    return " ".join(said or where for said, where in _SAID.findall(issues))


SAYING = ((cli, ("_say", "_tell")), (auditing, ("_say",)), (serving, ("_tell",)))
"""What commands say something by, wherever it is shown."""


def _is_ours(command: Any) -> bool:
    """Whether a command is one of the service; a run of tests looks for itself."""
    words = [str(word) for word in command] if isinstance(command, list | tuple) else str(command).split()
    return any("careplan" in word for word in words) and "pytest" not in words


class Watch:
    """The plugin: listens to every client, logger and process of the run, and fails it at the end."""

    def __init__(self) -> None:
        self.emitted = Emitted()
        self._patch = pytest.MonkeyPatch()

    def pytest_sessionstart(self) -> None:
        emitted, sent, sent_async = self.emitted, httpx.Client.send, httpx.AsyncClient.send
        begun, communicated = subprocess.Popen.__init__, subprocess.Popen.communicate
        made = logging.getLogRecordFactory()

        def send(client: httpx.Client, request: httpx.Request, **given: Any) -> httpx.Response:
            answer = sent(client, request, **given)
            emitted.look_at_answer(answer)
            return answer

        async def send_async(client: httpx.AsyncClient, request: httpx.Request, **given: Any) -> httpx.Response:
            answer = await sent_async(client, request, **given)
            emitted.look_at_answer(answer)
            return answer

        def begin(process: Any, *args: Any, **given: Any) -> None:
            begun(process, *args, **given)
            emitted.outputs |= set(_outputs(args, given))

        def communicate(process: Any, *args: Any, **given: Any) -> Any:
            outputs = communicated(process, *args, **given)
            for name, output in zip(("stdout", "stderr"), outputs, strict=True):
                if output and _is_ours(process.args):
                    text = output if isinstance(output, str) else output.decode("utf-8", "replace")
                    emitted.look(f"{name} of a process", text[:_LARGEST])
            return outputs

        def make(*args: Any, **given: Any) -> logging.LogRecord:
            record = made(*args, **given)
            if record.name.partition(".")[0] not in _OF_TESTS:
                emitted.look(f"log of {record.name}", logging.Formatter().format(record))
            return record

        def heard(say: Callable[..., None]) -> Callable[..., None]:
            def speak(text: str, *args: Any) -> None:
                emitted.look("what a command says", text)
                say(text, *args)

            return speak

        for module, names in SAYING:
            for name in names:
                self._patch.setattr(module, name, heard(getattr(module, name)))
        logging.setLogRecordFactory(make)
        self._made = made
        self._patch.setattr(subprocess.Popen, "communicate", communicate)
        self._patch.setattr(httpx.Client, "send", send)
        self._patch.setattr(httpx.AsyncClient, "send", send_async)
        self._patch.setattr(subprocess.Popen, "__init__", begin)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._patch.undo()
        logging.setLogRecordFactory(self._made)
        self.emitted.look_at_outputs()
        if self.emitted.found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.emitted.found:
            return
        terminalreporter.section("person numbers where none may stand", red=True)
        for (place, test), number in self.emitted.found.items():
            terminalreporter.write_line(f"{number} in {place}: {test}")


def _outputs(args: tuple[Any, ...], given: Mapping[str, Any]) -> Iterator[Path]:
    """The files that a process of the service writes its output to."""
    command = given.get("args", args[0] if args else ())
    if not _is_ours(command):
        return
    for name in ("stdout", "stderr"):
        path = getattr(given.get(name), "name", None)
        if isinstance(path, str):
            yield Path(path)
