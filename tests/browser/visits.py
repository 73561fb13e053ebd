"""Every page in every state that people meet it in: where it is, who opens it, and what leads there.

`test_every_page` walks the table, and `make screens` draws it. A page of `careplan.views.pages.PAGES` that stands in no
row fails the test. Ids are those of the demo; the day is the one of `page_house`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from careplan.views.pages import PAGES

Browsed = Any
"""playwright.sync_api.Page, which need not be installed."""
Step = Callable[[Browsed], None]


@dataclass(frozen=True, slots=True)
class Visit:
    """One page in one state.

    name      what its picture is called
    screen    its id in the brief; «–» for pages of everybody
    state     what there is to see, in a word or two
    persona   who opens it; empty: nobody is signed in
    path      its address
    steps     what is done there until the state is reached
    status    of the answer to the address
    newer     whether the rules are newer than the plans
    language  another than Danish, by its code
    leads     the address the steps end at, as PAGES has it, where it is another than `path`
    """

    name: str
    screen: str
    state: str
    persona: str
    path: str
    steps: tuple[Step, ...] = ()
    status: int = 200
    newer: bool = False
    language: str = ""
    leads: str = ""

    @property
    def reaches(self) -> str:
        """The address of PAGES that the state is a state of."""
        return self.leads or self.path.partition("?")[0]

    @property
    def of_patient(self) -> bool:
        return self.persona.startswith("patient-")


def go(target: Any) -> None:
    """Click what leads to another page, and wait until that page is whole: what is asked of it next is asked of it."""
    with target.page.expect_navigation():
        target.click()


def press(name: str) -> Step:
    return lambda page: go(page.get_by_role("button", name=name, exact=True).first)


def follow(name: str) -> Step:
    return lambda page: go(page.get_by_role("link", name=re.compile(name)).first)


def write(label: str, text: str) -> Step:
    return lambda page: page.get_by_label(label, exact=True).fill(text)


def keep_elsewhere(label: str, text: str) -> Step:
    """The same page is opened beside this one, filled in, and kept as a draft."""

    def step(page: Browsed) -> None:
        other = page.context.new_page()
        other.goto(page.url)
        write(label, text)(other)
        press("Gem kladde")(other)
        other.close()

    return step


def choose(label: str) -> Step:
    return lambda page: page.get_by_label(label, exact=True).first.check()


def pick(label: str, option: str) -> Step:
    return lambda page: page.get_by_label(label).select_option(label=option)


def unless_sent(*steps: Step) -> Step:
    """These steps, but where what they send was sent at another width already."""

    def take(page: Browsed) -> None:
        if page.locator("main form").count():
            for step in steps:
                step(page)
                page.wait_for_load_state()

    return take


def unfold(page: Browsed) -> None:
    """Open every fold, as somebody who reads everything."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def everyone() -> Iterator[Visit]:
    yield Visit("sign-in", "–", "choose a person", "", "/")
    yield Visit("sign-in-again", "–", "session over", "", "/?besked=log-ind")
    yield Visit("help", "–", "signed out", "", "/hjaelp")
    yield Visit("help-patient", "–", "signed in", "patient-birthe", "/hjaelp")
    yield Visit("accessibility", "–", "statement", "", "/tilgaengelighed")
    yield Visit("error-forbidden", "–", "error 403", "patient-birthe", "/arbejdsliste", status=403)
    yield Visit("error-absent", "–", "error 404", "patient-birthe", "/plan/maaling/findes-ikke", status=404)
    yield Visit("error-barred", "C2", "blocked", "nurse", "/patient/leif/aarskontrol", status=403)


def patient() -> Iterator[Visit]:
    birthe = "patient-birthe"
    yield Visit("B2", "B2", "many plans", birthe, "/plan")
    yield Visit("B2-unfolded", "B2", "all folds open", birthe, "/plan", (unfold,))
    yield Visit("B2-one-disease", "B2", "one disease", birthe, "/plan?sygdom=kol")
    yield Visit("B2-empty", "B2", "no plan", "patient-hanne", "/plan")
    yield Visit("B2-being-made", "B2", "plan being made", "patient-jens", "/plan")
    yield Visit("B2-closed", "B2", "closed plan", "patient-gunnar", "/plan")
    yield Visit("B2-old", "B2", "old data", "patient-ingrid", "/plan")
    yield Visit("B2-own-target", "B2", "individual target", "patient-fatima", "/plan", (unfold,))
    yield Visit("B2-wish", "B2", "a form", birthe, "/plan/vigtigst")
    yield Visit("B3", "B3", "a chart", birthe, "/plan/maaling/hba1c")
    yield Visit("B3-unfolded", "B3", "all folds open", birthe, "/plan/maaling/hba1c", (unfold,))
    yield Visit("B3-pressure", "B3", "two bands", birthe, "/plan/maaling/sbp", (unfold,))
    yield Visit("B3-own-target", "B3", "individual target", "patient-fatima", "/plan/maaling/hba1c", (unfold,))
    yield Visit("B3-old", "B3", "old data", "patient-ingrid", "/plan/maaling/sbp", (unfold,))
    yield Visit("B3-empty", "B3", "no value", "patient-kirsten", "/plan/maaling/ccs_angina_class")
    yield Visit("B9", "B9", "settings", birthe, "/plan/indstillinger")
    yield Visit("B9-staff", "B9", "settings", "nurse", "/indstillinger")
    for language in ("en", "ar"):
        for screen, path in (("B2", "/plan"), ("B3", "/plan/maaling/hba1c"), ("B9", "/plan/indstillinger")):
            yield Visit(f"{screen}-{language}", screen, "another language", birthe, path, (unfold,), language=language)
    yield Visit("B8", "B8", "short", birthe, "/plan/udskriv")
    for edition in ("full", "large"):
        yield Visit(f"B8-{edition}", "B8", edition, birthe, f"/plan/udskriv?edition={edition}")
    yield Visit("B8-closed", "B8", "closed plan", "patient-gunnar", "/plan/udskriv")
    for language in ("en", "ar"):
        yield Visit(f"B8-{language}", "B8", f"the sheet in {language}", birthe, f"/plan/udskriv?lang={language}")
    yield from home()
    yield from messages()
    yield from preparation()
    yield from sharing()
    yield Visit("B7-log", "B7", "who has seen", birthe, "/plan/adgang")
    yield Visit("B7-log-empty", "B7", "nobody has seen", birthe, "/plan/adgang?til=2000-01-01")


def home() -> Iterator[Visit]:
    birthe, place = "patient-birthe", "/plan/hjemmemaaling"
    yield Visit("B4", "B4", "choose", birthe, place)
    yield Visit("B4-no-plan", "B4", "no plan", "patient-hanne", place)
    yield Visit("B4-value", "B4", "a number", birthe, f"{place}/sbp")
    on = press("Næste")
    wrong = (write("Vægt (kg)", "525"), on)
    yield Visit("B4-doubted", "B4", "doubted", birthe, f"{place}/weight", wrong)
    weighed = (write("Vægt (kg)", "82,5"), on)
    yield Visit("B4-when", "B4", "day and time", birthe, f"{place}/weight", weighed)
    yield Visit("B4-check", "B4", "look again", birthe, f"{place}/weight", (*weighed, on))
    kept = (*weighed, on, press("Gem"))
    receipt = "/plan/hjemmemaaling/{measure}/gemt"
    yield Visit("B4-saved", "B4", "receipt", birthe, f"{place}/weight", kept, leads=receipt)
    high = (write("Blodtryk, det høje tal (mmHg)", "178"), on, write("Blodtryk, det lave tal (mmHg)", "95"), on)
    high = (*high, on, press("Gem"))
    yield Visit("B4-outside", "B4", "outside the target", birthe, f"{place}/sbp", high, leads=receipt)
    mend = "/plan/hjemmemaaling/tal/{id}"
    yield Visit("B4-change", "B4", "mend or delete", birthe, place, (follow("Ret eller slet"),), leads=mend)
    yield Visit("B4-change-refused", "B4", "not one's own", birthe, f"{place}/tal/findes-ikke", status=403)
    yield Visit("B4-saved-refused", "B4", "not one's own", birthe, f"{place}/sbp/gemt?id=findes-ikke", status=403)


def preparation() -> Iterator[Visit]:
    carl, ingrid, place = "patient-carl", "patient-ingrid", "/plan/forbered"
    yield Visit("B5", "B5", "what is asked", carl, place)
    yield Visit("B5-not-now", "B5", "no control near", "patient-birthe", place)
    yield Visit("B5-question", "B5", "a question", carl, f"{place}/who5-1")
    yield Visit("B5-arabic", "B5", "a question", carl, f"{place}/cat-1", language="ar")
    yield Visit("B5-errors", "B5", "nothing chosen", carl, f"{place}/mrc-1", (press("Næste"),))
    yield Visit("B5-talk", "B5", "what to talk about", carl, f"{place}/samtale")
    yield Visit("B5-review", "B5", "one's answers", carl, f"{place}/svar")
    yield Visit("B5-help", "B5", "whom to ring", carl, f"{place}/hjaelp")
    yield Visit(
        "B5-sent", "B5", "sent", carl, f"{place}/svar", (unless_sent(press("Send til klinikken")),), leads=place
    )
    low = (choose("Ikke en eneste gang"), press("Næste"))
    steps = (*low * 5, *(press("Spring over"),) * 10, press("Send til klinikken"))
    yield Visit("B5-low", "B5", "a low score", ingrid, f"{place}/who5-1", (unless_sent(*steps),), leads=place)

    yield Visit("B5-prepared", "B5", "sent, nothing urgent", "patient-olga", place)
    yield Visit("B5-urgent", "B5", "sent, the clinic rings", "patient-nils", place)


def messages() -> Iterator[Visit]:
    birthe, ask = "patient-birthe", "/plan/spoergsmaal"
    yield Visit("B2-ask", "B2", "write to the clinic", birthe, ask)
    yield Visit("B2-ask-errors", "B2", "form errors", birthe, ask, (press("Send"),))
    yield Visit("B2-messages-empty", "B2", "no messages", "patient-fatima", "/plan/beskeder")
    sent = (write("Din besked", "Må jeg dyrke motion?"), press("Send"))
    yield Visit("B2-messages", "B2", "messages", birthe, ask, sent, leads="/plan/beskeder")
    yield Visit("B3-wrong", "B3", "a number is wrong", birthe, "/plan/maaling/hba1c/besked")
    yield Visit("B2-messages-answered", "B2", "an answer", "patient-kirsten", "/plan/beskeder")
    yield Visit("C1-messages", "C1", "open messages", "nurse", "/beskeder")
    yield Visit("C1-answer", "C1", "a form", "nurse", "/beskeder/kirsten-besked-2")
    yield Visit("C1-answer-errors", "C1", "form errors", "nurse", "/beskeder/kirsten-besked-2", (press("Send svar"),))
    yield Visit("C1-answered", "C1", "answered", "nurse", "/beskeder/kirsten-besked-1")
    yield Visit("C1-ring-refused", "C1", "nobody to call", "nurse", "/ring/findes-ikke", status=403)
    waits, ring = "/arbejdsliste?fane=svar", (follow("Ring op"),)
    yield Visit("C1-ring", "C1", "call today", "nurse", waits, ring, leads="/ring/{task}")
    error = (*ring, press("Samtalen er holdt"))
    yield Visit("C1-ring-errors", "C1", "form errors", "nurse", waits, error, leads="/ring/{task}")
    yield Visit("C2-answers-urgent", "C2", "answers that need a call", "nurse", "/patient/nils/aarskontrol")
    yield Visit("C2-answers", "C2", "the person's answers", "nurse", "/patient/olga/aarskontrol")


def sharing() -> Iterator[Visit]:
    at, dorte, carl, mads = "/plan/adgang", "patient-dorte", "patient-carl", "patient-mads"
    yield Visit("B1", "B1", "whose plan", mads, "/plan/person")
    others = press("Dorte Test Østergaard (fuldmagt til 02.11.2027)")
    yield Visit("B1-acting", "B2", "somebody else's plan", mads, "/plan/person", (others,), leads="/plan")
    reads = press("Ingrid Test Dam (fuldmagt til 02.11.2027)")
    yield Visit("B1-reading", "B2", "only reads", mads, "/plan/person", (reads,), leads="/plan")
    yield Visit("B7-attorney", "B7", "a form", dorte, f"{at}/fuldmagt")
    yield Visit("B7-attorney-errors", "B7", "form errors", dorte, f"{at}/fuldmagt", (press("Videre"),))
    filled = (choose("Mads Test Østergaard (søn)"), choose("Læse"), press("Videre"))
    yield Visit("B7-attorney-sure", "B7", "what follows", dorte, f"{at}/fuldmagt", filled)
    stop = (follow("Stop fuldmagten"),)
    yield Visit("B7-attorney-stop", "B7", "take it back", dorte, at, stop, leads=f"{at}/fuldmagt/{{id}}/stop")
    yield Visit("B7-block", "B7", "a form", "patient-birthe", f"{at}/spaerring")
    yield Visit("B7-block-errors", "B7", "form errors", "patient-birthe", f"{at}/spaerring", (press("Videre"),))
    sure = (pick("Hvem må ikke se det?", "Lægehuset Nord"), press("Videre"))
    yield Visit("B7-block-sure", "B7", "what follows", "patient-birthe", f"{at}/spaerring", sure)
    barred = (sure[0], choose("Mine beskeder"), press("Videre"), press("Ja, spær"))
    lifted = (*barred, follow("Ophæv spærringen"))
    place = f"{at}/spaerring"
    yield Visit("B7-block-lift", "B7", "lift it", "patient-jens", place, lifted, leads=f"{place}/{{id}}/ophaev")
    shared = (follow("Se, hvad de kan se"),)
    referral = f"{at}/henvisning/{{id}}"
    yield Visit("B7-slice", "B7", "what is shared", carl, at, shared, leads=referral)
    yield Visit("B7-stop", "B7", "stop sharing", carl, at, (*shared, press("Stop deling")), leads=referral)
    wonder = (follow("Jeg undrer mig over dette"),)
    yield Visit("B7-wonder", "B7", "a form", "patient-birthe", at, wonder, leads=f"{at}/undrer/{{key}}")
    error = (*wonder, press("Send til klinikken"))
    yield Visit("B7-wonder-errors", "B7", "form errors", "patient-birthe", at, error, leads=f"{at}/undrer/{{key}}")


def municipal() -> Iterator[Visit]:
    yield Visit("B6", "B6", "under way", "patient-carl", "/plan/kommune")
    yield Visit("B6-unfolded", "B6", "what they see", "patient-carl", "/plan/kommune", (unfold,))
    yield Visit("B6-tried", "B6", "nobody was reached", "patient-ulla", "/plan/kommune")
    for who, phase in (("rita", "triage"), ("svend", "booked"), ("tove", "paused"), ("viggo", "active")):
        yield Visit(f"B6-{phase}", "B6", f"{phase}, and one that ended", f"patient-{who}", "/plan/kommune")
    yield Visit("B6-none", "B6", "not referred", "patient-anna", "/plan/kommune")


def urgent() -> Iterator[Visit]:
    at = "/vaerdispring"
    opened = (
        write("Begrundelse", "Bevidstløs patient, medicinen skal kendes"),
        choose("Jeg ved, at det bliver vist til patienten og gennemgået."),
        press("Åbn journalen"),
    )
    yield Visit("urgent", "–", "a form", "nurse", at)
    yield Visit("urgent-errors", "–", "form errors", "nurse", at, (press("Åbn journalen"),))
    yield Visit("urgent-open", "C2", "opened", "nurse", f"{at}?person=leif", opened, leads="/patient/leif/aarskontrol")
    yield Visit("urgent-list", "–", "review", "doctor", f"{at}/gennemgang")
    one = f"{at}/gennemgang/{{id}}"
    yield Visit("urgent-review", "–", "a form", "doctor", f"{at}/gennemgang", (follow("Gennemgå"),), leads=one)


def clinic() -> Iterator[Visit]:
    yield Visit("C1", "C1", "call in", "nurse", "/arbejdsliste")
    for tab in ("klar", "svar", "egnet", "kommune", "uden", "maal", "i-orden", "fravalgt"):
        yield Visit(f"C1-{tab}", "C1", tab, "nurse", f"/arbejdsliste?fane={tab}")
    yield Visit("C1-found", "C1", "found", "nurse", "/arbejdsliste", (write("Søg efter navn", "birthe"), press("Søg")))
    yield Visit("C1-nobody", "C1", "nobody", "nurse", "/arbejdsliste", (write("Søg efter navn", "qqq"), press("Søg")))
    chosen = "/arbejdsliste/valgte"
    called = (choose("Vælg Carl Test Mortensen"), press("Indkald"))
    yield Visit("C1-called", "C1", "called in", "nurse", "/arbejdsliste", called, leads=chosen)
    yield Visit("C1-none-ticked", "C1", "form errors", "nurse", "/arbejdsliste", (press("Indkald"),), leads=chosen)
    yield Visit("C6", "C6", "the clinic's numbers", "nurse", "/tal")
    yield Visit("C6-behind", "C6", "who is behind a number", "nurse", "/tal/hba1c?status=not-achieved")
    yield Visit("C1-decline", "C1", "decline a plan", "nurse", "/patient/anna/fravalg")
    yield Visit("C2", "C2", "three plans", "nurse", "/patient/birthe/aarskontrol")
    yield Visit("C2-unfolded", "C2", "all folds open", "nurse", "/patient/birthe/aarskontrol", (unfold,))
    yield Visit("C2-old", "C2", "old data", "nurse", "/patient/ingrid/aarskontrol")
    yield Visit("C2-conflict", "C2", "conflict", "nurse", "/patient/kirsten/aarskontrol")
    yield Visit("C2-no-plan", "C2", "no plan", "nurse", "/patient/hanne/aarskontrol")
    yield Visit("C2-closed", "C2", "closed plan", "nurse", "/patient/gunnar/aarskontrol")
    yield Visit("C2-being-made", "C2", "plan being made", "nurse", "/patient/jens/aarskontrol")
    wrong = (write("Ny værdi: Vægt (kg)", "525"), press("Godkend og del med patienten"))
    yield Visit("C2-errors", "C2", "form errors", "nurse", "/patient/dorte/aarskontrol", wrong)
    unsaid = (choose("Ikke relevant"), press("Godkend og del med patienten"))
    yield Visit("C2-reason", "C2", "no reason", "nurse", "/patient/dorte/aarskontrol", unsaid)
    keep = (write("Ny værdi: Vægt (kg)", "82,5"), press("Gem kladde"))
    yield Visit("C2-draft", "C2", "a draft is kept", "nurse", "/patient/fatima/aarskontrol", keep)
    late = (keep_elsewhere("Ny værdi: Vægt (kg)", "84"), *keep)
    yield Visit("C2-draft-newer", "C2", "a newer draft", "nurse", "/patient/fatima/aarskontrol", late)
    newer = (lambda page: page.get_by_text("To mål passer ikke sammen").first.wait_for(),)
    yield Visit("C2-newer-rules", "C2", "newer rules", "nurse", "/patient/birthe/aarskontrol", newer, newer=True)
    yield Visit("C2-target", "C2", "set a target", "nurse", "/patient/fatima/maal/fatima-g1", (unfold,))
    see = press("Vis, hvordan patienten ser det")
    yield Visit("C2-target-preview", "C2", "preview", "nurse", "/patient/fatima/maal/fatima-g1", (see,))
    bad = (write("Fra", "x"), see)
    yield Visit("C2-target-errors", "C2", "form errors", "nurse", "/patient/fatima/maal/fatima-g1", bad)
    label = "Aftalt besked, hvis et hjemmetal er uden for målet"
    said = (write(label, "Ring til os, hvis tallet er over 160 tre dage i træk."), press("Vis kun beskeden"))
    yield Visit("C2-target-message", "C2", "message, preview", "nurse", "/patient/birthe/maal/birthe-g2", said)
    both = (*said[:1], pick("Årsag", "Skrøbelighed"), see)
    yield Visit("C2-target-both", "C2", "target, message", "nurse", "/patient/birthe/maal/birthe-g2", both)
    yield Visit("C3", "C3", "choose", "nurse", "/patient/anna/opret-plan", (unfold,))
    yield Visit("C3-preview", "C3", "preview", "nurse", "/patient/anna/opret-plan", (press("Forhåndsvisning"),))
    everything = (
        lambda page: [box.check() for box in page.get_by_role("checkbox").all() if box.is_enabled()],
        lambda page: page.get_by_label("Begrundelse").fill("Aftalt med patienten"),
        press("Forhåndsvisning"),
    )
    yield Visit("C3-preview-merged", "C3", "merged", "nurse", "/patient/anna/opret-plan", everything)
    yield Visit("C3-three", "C3", "has three", "nurse", "/patient/birthe/opret-plan")
    yield Visit("C4", "C4", "a form", "nurse", "/patient/birthe/henvis")
    yield Visit("C4-errors", "C4", "form errors", "nurse", "/patient/birthe/henvis", (press("Send henvisning"),))
    yield Visit("C4-referral", "C4", "one referral", "nurse", "/patient/carl/henvisning/carl-case")
    for who, phase in (("rita", "returned"), ("svend", "withdrawn"), ("tove", "forwarded"), ("viggo", "closed")):
        yield Visit(f"C4-{phase}", "C4", phase, "nurse", f"/patient/{who}/henvisning/{who}-case2")
    yield Visit("C4-late", "C4", "no answer in time", "nurse", "/patient/peter/henvisning/peter-case1")
    yield Visit("B8-clinic", "B8", "with number", "nurse", "/patient/birthe/udskriv?edition=full&cpr=ja")
    yield Visit("C5", "C5", "timeline", "nurse", "/patient/birthe/historik")
    yield Visit("C5-day", "C5", "a day", "nurse", "/patient/birthe/historik?dato=22.11.2026&maaling=ldl")
    yield Visit("C5-days", "C5", "two days", "nurse", "/patient/birthe/historik?fra=01.11.2026&til=22.11.2026")
    yield Visit("C5-errors", "C5", "form errors", "nurse", "/patient/birthe/historik?dato=31.02.2026", status=422)
    yield Visit("C7-empty", "C7", "no differences", "nurse", "/forskelle")
    yield Visit("C7", "C7", "newer rules", "nurse", "/forskelle", newer=True)
    group = (follow("Se patienterne"),)
    whole = (*group, lambda page: page.get_by_role("table").first.wait_for())
    yield Visit("C7-patients", "C7", "a change's patients", "nurse", "/forskelle", whole, newer=True)
    none = (*group, press("Afslå for de valgte"))
    yield Visit("C7-nobody", "C7", "nobody chosen", "nurse", "/forskelle", none, newer=True)
    ticked = (*group, lambda page: page.get_by_role("checkbox").first.check(), press("Afslå for de valgte"))
    yield Visit("C7-decline", "C7", "decline", "nurse", "/forskelle", ticked, newer=True)


PHASES = {"peter": "received", "rita": "triage", "ulla": "accepted", "svend": "booked", "tove": "paused"}
"""Whose case stands in which phase; that of Carl and of Viggo is active."""


def receiver() -> Iterator[Visit]:
    yield Visit("D1", "D1", "referrals", "visitator", "/henvisninger")
    yield Visit("D2", "D2", "the slice", "visitator", "/borger/carl")
    for who, phase in PHASES.items():
        yield Visit(f"D2-{phase}", "D2", phase, "visitator", f"/borger/{who}")
    steps = (("return", "rita"), ("forward", "rita"), ("book", "ulla"), ("meet", "viggo"), ("pause", "viggo"))
    steps = (*steps, ("try", "rita"), ("no-contact", "ulla"))
    for step, who in steps:
        yield Visit(f"D1-{step}", "D1", "a form", "visitator", f"/borger/{who}/sag/{who}-case1?trin={step}")
    case = "/borger/carl/sag/carl-case"
    yield Visit("D1-ask", "D1", "a form", "visitator", f"{case}?trin=ask")
    yield Visit("D1-not-now", "D1", "not now", "visitator", f"{case}?trin=take")
    ask = (press("Bed om oplysninger"),)
    yield Visit("D1-ask-errors", "D1", "form errors", "visitator", f"{case}?trin=ask", ask)
    tried = (write("Dato for forsøget", "snart"), press("Notér forsøg på kontakt"))
    yield Visit("D1-try-errors", "D1", "form errors", "visitator", "/borger/rita/sag/rita-case1?trin=try", tried)
    yield Visit("D3", "D3", "a form", "visitator", f"{case}/samtale")
    yield Visit("D3-errors", "D3", "form errors", "visitator", f"{case}/samtale", (press("Gem"),))
    yield Visit("D4", "D4", "a form", "visitator", f"{case}/forloeb")
    later = (choose("Udsat"), press("Gem tjekliste"))
    yield Visit("D4-errors", "D4", "form errors", "visitator", f"{case}/forloeb", later)
    yield Visit("D5", "D5", "a form", "visitator", f"{case}/afslut")
    yield Visit("D5-errors", "D5", "form errors", "visitator", f"{case}/afslut", (press("Afslut forløbet"),))
    yield Visit("D6", "D6", "the board", "visitator", "/teamtavle")
    yield Visit("D6-ownerless", "D6", "filtered", "visitator", "/teamtavle?vis=uden-ansvarlig")
    yield Visit("D6-no-contact", "D6", "without contact", "visitator", "/teamtavle?vis=ingen-kontakt")


VISITS: tuple[Visit, ...] = (*everyone(), *patient(), *municipal(), *urgent(), *clinic(), *receiver())
"""Every page and state that has an address."""

SHEETS: tuple[Visit, ...] = (
    *(
        Visit(f"F-{one}-{tongue}", "F", f"{one}, {tongue}", "patient-birthe", f"/print/Patient/birthe/plan.pdf?{asked}")
        for one in ("short", "full", "large")
        for tongue in ("da", "en", "ar")
        for asked in (f"edition={one}&lang={tongue}",)
    ),
)
"""Every paper that is printed."""


def unvisited(visits: tuple[Visit, ...]) -> list[str]:
    """The addresses of pages that none of these visits opens."""
    opened = [one.reaches for one in visits]
    patterns = {one.path: re.compile(re.sub(r"\{\w+\}", "[^/]+", one.path)) for one in PAGES if one.method == "GET"}
    return [
        path
        for path, pattern in patterns.items()
        if path not in opened and not any(pattern.fullmatch(one) for one in opened if "{" not in one)
    ]
