"""The command line: parse arguments, call `app`, say what happened. Output goes to stdout, progress to stderr."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError

from careplan import __version__
from careplan.app import open_house, recommender, system_context
from careplan.auditing import audit, verify_audit
from careplan.domain.errors import CareplanError
from careplan.domain.evaluation import evaluate
from careplan.domain.guideline import Knowledge
from careplan.fhir.answered import PLAN_NAMES, answer_json
from careplan.fhir.instant import COPENHAGEN, instant_text
from careplan.fhir.mapping import ChartReader, listed_with
from careplan.fhir.printed import printed
from careplan.fhir.text import Json, dump, parse
from careplan.interactions.cohort import patients_of
from careplan.interactions.context import Context
from careplan.interactions.entry import BundleInvalid
from careplan.interactions.export.chosen import begin_in, complete
from careplan.interactions.export.job import Job, Progress, says
from careplan.interactions.export.kickoff import Wanted, wanted_from_asked
from careplan.interactions.operations.asked import Asked
from careplan.interactions.reevaluation import Reevaluation, reevaluate
from careplan.interactions.reevaluation_text import json_from_reevaluation, lines_from_reevaluation, listed
from careplan.interactions.settlement import settle
from careplan.interactions.worklist import EXCLUDED, Candidate, read_worklist
from careplan.knowledge.difference import difference
from careplan.knowledge.difference_text import fault_line, json_from_difference, lines_from_difference
from careplan.knowledge.load import KnowledgeFaulty, check_knowledge, load_knowledge
from careplan.serving import demo, serve
from careplan.settings import Settings, settings_from_environment
from careplan.store.protocol import NotFound
from careplan.sync.folder import files_in, load
from careplan.synthetic.folder import write_people
from careplan.synthetic.people import clinic

EXPORT = """examples:
  careplan export --out all                            everything
  careplan export --out values --type Observation --type Goal
  careplan export --out group7 --group 7               the records of the members of Group/7
  careplan export --out monday --since 2026-11-22T09:00:00.000Z

Files are named by type (Observation-1.ndjson …); manifest.json lists them and says as of when they are
(transactionTime), which is what --since of the next export is given. Changes made meanwhile come with that one.
When it is stopped, or the machine is, give the same command again: it goes on after the last page on disk.
The files hold personal data of patients: only your own user may read them."""


KNOWLEDGE_DIFF = """examples:
  careplan knowledge diff knowledge-2026.1                     which rows differ from those in use
  careplan knowledge diff old new --store careplan.db          and which patients get another recommendation
  careplan knowledge diff old new --store careplan.db --clinic Organization/17 --list touched.tsv

OLD and NEW are folders with measures/, facts/, targets/, plans/ and so on, as careplan/knowledge is. Rows are added,
removed, moved or changed (conditions, target, sentences, source, unverified). A table that changed under its old
version is a fault: what was recommended by it can no longer be told apart. It is said and the exit code is 1; give it
a new version.
With --store every patient is evaluated under both, once. Nothing is written but the list: nothing agreed changes, and
stopping (Ctrl-C) does no harm. What the clinic makes of it is for the page «Forskelle i skabeloner»."""


_PASSWORD = re.compile(r"[a-z+]+://.*@")
"""An address with a user, and so with a password, whatever signs that has."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 something was refused, 2 wrong use."""
    parsed = parser().parse_args(arguments)
    given = {name: getattr(parsed, name, None) for name in ("store", "clinic", "auth")}
    if _PASSWORD.match(given["store"] or ""):
        _tell("careplan: everybody here reads a command line: put an address with a password into CAREPLAN_STORE_FILE")
        return 2
    try:
        settings = settings_from_environment(os.environ, **given)
        command: Callable[[argparse.Namespace, Settings], int] = parsed.command
        return command(parsed, settings)
    except KnowledgeFaulty as error:
        _say_faults(error)
    except CareplanError as error:
        _tell(f"careplan: {error.message}")
    except ValidationError as error:
        for problem in error.errors():
            named = f" CAREPLAN_{str(problem['loc'][0]).upper()}" if problem["loc"] else "s"
            _tell(f"careplan: setting{named}: {problem['msg']}")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read it has enough: nothing more is said
    except OSError as error:
        _tell(f"careplan: {error.filename or ''}: {error.strerror or error}")
    except KeyboardInterrupt:
        _tell("careplan: stopped")
    return 1


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    top = argparse.ArgumentParser(
        prog="careplan",
        description="Forløbsplaner: chronic-care plans for KOL, type 2 diabetes and heart disease, as FHIR R4.",
        epilog="Settings are read from the environment (CAREPLAN_STORE …); docs/settings.md lists them.",
    )
    top.add_argument("--version", action="version", version=f"careplan {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    shown = _add(commands, "demo", demo, "serve an invented clinic on this machine, to click around in")
    shown.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
    shown.add_argument("--patients", type=int, default=150, help="invented patients (default 150)")
    shown.add_argument("--seed", type=int, default=1, help="same seed, same patients (default 1)")
    _add_store(shown, "default: demo/careplan-demo.db, made anew")

    served = _add(commands, "serve", serve, "serve the FHIR API and the pages")
    served.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    served.add_argument("--port", type=int, default=8000, help="port (default 8000)")
    served.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    served.add_argument(
        "--auth",
        choices=["oidc", "none"],
        help="oidc: access tokens of CAREPLAN_OIDC_ISSUER; none: no sign-in, on loopback addresses only (default "
        "CAREPLAN_AUTH or none)",
    )
    _add_store(served, "default: CAREPLAN_STORE or careplan.db")

    load_ = _add(commands, "load", _load, "read FHIR files into the store; bad ones are listed, good ones kept")
    load_.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders of .json and .ndjson")
    load_.add_argument("--report", type=Path, default=Path("load-report.txt"), help="where refused items are listed")
    _add_store(load_, "default: CAREPLAN_STORE or careplan.db")

    export = _add(commands, "export", _export, "write the record as NDJSON files, one resource a line")
    export.formatter_class, export.epilog = argparse.RawDescriptionHelpFormatter, EXPORT
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of this one export")
    export.add_argument("--type", action="append", metavar="T", help="only this resource type; may be repeated")
    export.add_argument("--since", metavar="INSTANT", help="only what changed after this, e.g. 2026-11-22T09:00:00Z")
    export.add_argument("--group", metavar="ID", help="only the records of the patients in this Group")
    _add_store(export, "default: CAREPLAN_STORE or careplan.db")

    generate = _add(commands, "generate", _generate, "write invented Danish patients as FHIR Bundles")
    generate.add_argument("--patients", type=int, required=True, help="how many; the eight of the demo are among them")
    generate.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default 1)")
    generate.add_argument("--on", type=_day, default=date(2026, 11, 22), help="day the record ends (2026-11-22)")
    generate.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")

    targets = _add(commands, "targets", _targets, "recommended targets of the person in each Bundle")
    targets.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE.json", help="one person's resources each")
    targets.add_argument("--on", type=_day, default=None, metavar="DATE", help="as of this day (default today)")
    targets.add_argument("--json", action="store_true", help="one JSON object a Bundle, a line each")
    targets.add_argument("--why", action="store_true", help="everything the rules looked at, in Danish")
    targets.add_argument("--clinic", help="practice whose own patients are eligible (default Organization/clinic-own)")

    eligible = _add(commands, "eligible", _eligible, "who should have a plan, most urgent first")
    eligible.add_argument("--clinic", help="Organization/… ; default: every practice")
    eligible.add_argument("--on", type=_day, default=None, metavar="DATE", help="as of this day (default today)")
    eligible.add_argument("--json", action="store_true", help="one JSON object a line")
    _add_store(eligible, "default: CAREPLAN_STORE or careplan.db")

    verify = _add(commands, "verify-audit", verify_audit, "find what was removed, changed or moved in the audit log")
    verify.add_argument("--seal", type=Path, metavar="FILE", help="how far the log was seen: checked, then kept")
    _add_store(verify, "default: CAREPLAN_STORE or careplan.db")

    asked = _add(commands, "audit", audit, "all access to a person or by a user, newest first, a line each")
    asked.add_argument("--patient", metavar="ID", help="logical id of the patient")
    asked.add_argument("--user", metavar="REF", help="PractitionerRole/…, the subject of a token, or a client")
    _add_store(asked, "default: CAREPLAN_STORE or careplan.db")

    check = _add(commands, "check", _check, "read every knowledge file and report every fault with its line")
    check.add_argument("folder", nargs="?", type=Path, help="a knowledge folder (default: the one in use)")
    check.add_argument("--against", type=Path, metavar="OLD", help="what it was before: asks for versions to be raised")

    knowledge = commands.add_parser("knowledge", help="compare knowledge folders", description="Knowledge folders.")
    diff = _add(
        knowledge.add_subparsers(metavar="COMMAND", required=True),
        "diff",
        _knowledge_diff,
        "which rows differ, and which patients get another recommendation",
    )
    diff.formatter_class, diff.epilog = argparse.RawDescriptionHelpFormatter, KNOWLEDGE_DIFF
    diff.add_argument("old", type=Path, metavar="OLD", help="a knowledge folder")
    diff.add_argument("new", type=Path, nargs="?", metavar="NEW", help="another (default: the one in use)")
    diff.add_argument("--clinic", help="with --store: only patients of Organization/…")
    diff.add_argument("--on", type=_day, default=None, metavar="DATE", help="with --store: as of this day (today)")
    diff.add_argument("--list", type=Path, metavar="FILE", help="with --store: a line for each patient that it touches")
    diff.add_argument("--json", action="store_true", help="one JSON object")
    _add_store(diff, "default: only the folders are compared")
    return top


def _add(commands: Json, name: str, command: Callable[..., int], text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    added.set_defaults(command=command)
    return added


def _add_store(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument("--store", metavar="URL", help=f"SQLite file or mongodb://… ({default})")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date like 2026-11-22 is expected") from None


def _today() -> date:
    return datetime.now(COPENHAGEN).date()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _tell(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()


def _progress(done: int, of: int) -> None:
    if done == of or (done % 20 == 0 and sys.stderr.isatty()):
        _tell(f"\r{done} of {of} files", "\n" if done == of else "")


# ── commands ─────────────────────────────────────────────────────────────────────────────────────


def _load(parsed: argparse.Namespace, settings: Settings) -> int:
    return asyncio.run(_load_files(parsed, settings))


async def _load_files(parsed: argparse.Namespace, settings: Settings) -> int:
    files = files_in(parsed.paths)
    async with open_house(settings) as house:
        loaded = await load(system_context(house, "careplan load", datetime.now(UTC)), files, _progress)
    _say(f"{loaded.written} resources loaded, {loaded.unchanged} unchanged, {loaded.items_refused} items refused")
    if not loaded.refused:
        return 0
    parsed.report.write_text("".join(one.says() + "\n" for one in loaded.refused), encoding="utf-8")
    _tell(f"refused items are listed in {parsed.report}, with file, line, path and reason; mend them and load again")
    return 1


def _export(parsed: argparse.Namespace, settings: Settings) -> int:
    given = {"_type": parsed.type or (), "_since": [parsed.since] if parsed.since else ()}
    group = parsed.group.removeprefix("Group/") if parsed.group else None
    asked = Asked(group, {name: values for name, values in given.items() if values})
    wanted = wanted_from_asked("group" if group else "system", asked)
    return asyncio.run(_write_export(parsed.out, wanted, settings))


async def _write_export(out: Path, wanted: Wanted, settings: Settings) -> int:
    async with open_house(settings) as house:

        def context() -> Context:
            return system_context(house, "careplan export", datetime.now(UTC))

        folder = await begin_in(context(), wanted, out)
        job, progress = await complete(folder, lambda _: context(), _tell_export)
    as_of = instant_text(job.at)
    _say(f"{progress.count} resources in {len(progress.parts)} files in {out}, as of {as_of}")
    _tell(f"what changes from now on: careplan export --since {as_of} --out another folder")
    return 0


def _tell_export(job: Job, progress: Progress) -> None:
    if sys.stderr.isatty():
        _tell(f"\r\x1b[K{says(job, progress)}", "\n" if progress.ended else "")
    elif progress.after is None:
        _tell(says(job, progress))


def _generate(parsed: argparse.Namespace, settings: Settings) -> int:
    knowledge = load_knowledge(settings.knowledge)
    at = datetime(parsed.on.year, parsed.on.month, parsed.on.day, 10, tzinfo=COPENHAGEN)
    made = clinic(parsed.seed, parsed.patients, on=parsed.on, recommend=recommender(knowledge, at))
    count = write_people(parsed.out, made)
    _say(f"{count} bundles in {parsed.out}")
    return 0


def _targets(parsed: argparse.Namespace, settings: Settings) -> int:
    knowledge = load_knowledge(settings.knowledge)
    reader, on, faulty = ChartReader(knowledge), parsed.on or _today(), False
    for path in parsed.bundles:
        try:
            body = parse(path.read_bytes())
            resources, foreign = _of_one(_resources(body), body)
        except (CareplanError, OSError) as error:
            _tell(f"careplan: {path}: {error.message if isinstance(error, CareplanError) else error.strerror}")
            faulty = True
            continue
        if foreign:
            _tell(f"careplan: {path}: left out, of another patient: {', '.join(foreign)}")
        chart = reader.chart(resources, on, settings.clinic)
        answer = evaluate(knowledge, chart)
        _say(
            dump(answer_json(path.name, chart, answer, knowledge)).decode()
            if parsed.json
            else printed(path.name, chart, answer, knowledge, why=parsed.why)
        )
        _hint_listing(path, resources, settings.clinic)
    return 1 if faulty else 0


def _resources(body: Json) -> list[Json]:
    """One person's resources: of a Bundle, or the one resource itself."""
    if not isinstance(body.get("resourceType"), str):
        raise BundleInvalid("the file holds no resource: resourceType is missing")
    if body["resourceType"] != "Bundle":
        return [body]
    entries = body.get("entry", [])
    found = (
        [one.get("resource") if isinstance(one, dict) else None for one in entries]
        if isinstance(entries, list)
        else [None]
    )
    if any(not isinstance(one, dict) or not isinstance(one.get("resourceType"), str) for one in found):
        raise BundleInvalid("every entry of the Bundle holds a resource with its resourceType")
    return found


def _of_one(resources: list[Json], body: Json) -> tuple[list[Json], list[str]]:
    """What is about the one patient of a file, and the names of what is not."""
    patients = [one for one in resources if one["resourceType"] == "Patient"]
    if len(patients) > 1:
        raise BundleInvalid(f"the Bundle holds {len(patients)} patients; give one a file")
    own = {f"Patient/{one['id']}" for one in patients if "id" in one}
    own |= {str(one["fullUrl"]) for one in body.get("entry", ()) if "fullUrl" in one and one["resource"] in patients}
    foreign = [one for one in resources if own and _is_of_another(one, own)]
    names = [f"{one['resourceType']}/{one.get('id', '')}" for one in foreign]
    return [one for one in resources if one not in foreign], names


def _is_of_another(resource: Json, own: set[str]) -> bool:
    """Whether its subject is named, and is not this patient, whose name may be absolute and of a version."""
    subject = resource.get("subject") or resource.get("patient")
    named = str(subject.get("reference") or "") if isinstance(subject, dict) else ""
    plain = named.partition("/_history/")[0]
    return bool(plain) and plain not in own and "/".join(plain.split("/")[-2:]) not in own


def _hint_listing(path: Path, resources: Sequence[Json], own: str) -> None:
    patient: Json = next((one for one in resources if one.get("resourceType") == "Patient"), {})
    listed = listed_with(patient)
    if listed is not None and not own.endswith(f"/{listed}"):
        _tell(
            f"careplan: {path}: listed with Organization/{listed}, not with {own}; --clinic asks for another practice"
        )


def _eligible(parsed: argparse.Namespace, settings: Settings) -> int:
    return asyncio.run(_list_eligible(parsed, settings))


async def _list_eligible(parsed: argparse.Namespace, settings: Settings) -> int:
    chosen = parsed.clinic.rpartition("/")[2] if parsed.clinic else None
    async with open_house(settings) as house:
        context = system_context(house, "careplan eligible", datetime.now(UTC))
        worklist = await read_worklist(context, chosen, parsed.on)
        context.trail.act = "eligible"
        context.trail.met(one.version.id for one in worklist.candidates)
        settle(context)
    found, excluded = worklist.of_state(None), worklist.of_state(EXCLUDED)
    for one in found:
        _say(dump(_candidate_json(one)).decode() if parsed.json else _candidate_line(one))
    people = len({one.version.id for one in found})
    _tell(f"{people} patients, {len(found)} plans; turned down: {len(excluded)} plans")
    return 0


def _candidate_json(one: Candidate) -> Json:
    plan = one.eligibility
    return {
        "patient": one.version.reference,
        "plan": PLAN_NAMES.get(plan.plan, plan.plan),
        "row": plan.row.id if plan.row else None,
        "says": plan.row.says if plan.row else None,
        "state": plan.state,
        "must_offer": plan.must_offer,
        "saved": one.saved.isoformat() if one.saved else None,
        "missing": list(plan.missing),
    }


def _candidate_line(one: Candidate) -> str:
    plan = one.eligibility
    saved = f"saved {one.saved:%d.%m.%Y}" if one.saved else "no plan yet"
    why = plan.row.says if plan.row else ""
    missing = f" Missing: {', '.join(plan.missing)}." if plan.missing else ""
    stands = f"{plan.plan:<10} {plan.state or '':<11} {saved:<18} must offer: {plan.must_offer!s:<7}"
    return f"{one.version.reference:<40} {stands} {why}{missing}"


def _check(parsed: argparse.Namespace, settings: Settings) -> int:
    checked = check_knowledge(parsed.folder or settings.knowledge, _today(), _before(parsed.against))
    knowledge = checked.knowledge
    rows = sum(len(guideline.rows) for guideline in knowledge.guidelines.values())
    examples = sum(len(guideline.examples) for guideline in knowledge.guidelines.values())
    _say(
        f"{len(knowledge.measures)} measures, {len(knowledge.facts)} facts, {len(knowledge.guidelines)} tables with "
        f"{rows} rows and {examples} examples, {len(knowledge.plans)} plan types: no faults"
    )
    for remark in checked.remarks:
        _tell(f"note: {remark.says()}")
    return 0


def _knowledge_diff(parsed: argparse.Namespace, settings: Settings) -> int:
    if parsed.store is None and (parsed.clinic or parsed.on or parsed.list):
        _tell("careplan: --clinic, --on and --list speak of patients; say --store as well")
        return 2
    if parsed.list is not None and not _can_be_written(parsed.list):
        _tell(f"careplan: --list {parsed.list}: no file can be written there; name another")
        return 2
    old, new = load_knowledge(parsed.old), load_knowledge(parsed.new or settings.knowledge)
    found = difference(old, new)
    touched = None if parsed.store is None else asyncio.run(_reevaluated(parsed, settings, old, new))
    if parsed.json:
        both = {"knowledge": json_from_difference(found), "patients": touched and json_from_reevaluation(touched)}
        _say(dump(both).decode())
    else:
        for line in (*lines_from_difference(found), *(lines_from_reevaluation(touched) if touched else ())):
            _say(line)
    if parsed.list and touched:
        parsed.list.write_text("".join(f"{line}\n" for line in listed(touched)), encoding="utf-8")
    for table in found.faults:
        _tell(fault_line(table))
    return 1 if found.faults else 0


async def _reevaluated(parsed: argparse.Namespace, settings: Settings, old: Knowledge, new: Knowledge) -> Reevaluation:
    chosen = parsed.clinic.rpartition("/")[2] if parsed.clinic else None
    async with open_house(settings, only_reading=True) as house:
        context = system_context(house, "careplan knowledge diff", datetime.now(UTC))
        if chosen and await house.store.read("Organization", chosen) is None and not await patients_of(context, chosen):
            raise NotFound(f"--clinic: there is no Organization/{chosen} in the store, nor anybody listed with it")
        return await reevaluate(context, old, new, chosen, parsed.on, _tell_patients)


def _can_be_written(path: Path) -> bool:
    """Whether a file can be written there: looked at before the work that it is to hold."""
    return not path.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)


def _tell_patients(done: int, of: int) -> None:
    if done == of or (done % 50 == 0 and sys.stderr.isatty()):
        _tell(f"\r{done} of {of} patients", "\n" if done == of else "")


def _before(folder: Path | None) -> Knowledge | None:
    """The knowledge that another is held against; what is wrong with it is told as its own."""
    try:
        return None if folder is None else load_knowledge(folder)
    except KnowledgeFaulty:
        _tell(f"careplan: {folder}, which --against names, has faults itself:")
        raise


def _say_faults(error: KnowledgeFaulty) -> None:
    for fault in error.knowledge_faults:
        _tell(fault.says())
    count = "1 fault" if len(error.knowledge_faults) == 1 else f"{len(error.knowledge_faults)} faults"
    _tell(f"careplan: {count} in the knowledge files; mend all of it, nothing is served before")
