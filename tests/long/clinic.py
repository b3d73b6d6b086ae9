"""A scripted browser that imports, scores, reads and arbitrates, and takes a case up again wherever a kill left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Error, Locator, Page

from core.review import Radpeer, Stage
from tests.long.ledger import Ledger
from tests.long.mortal import Killed, Mortal

CLICK = 4_000  # milliseconds; a click is tried again until the page takes it
AGREE, DIFFER = Radpeer.CONCUR, Radpeer.EXPECTED_MATTERS


class Clinic:
    """One reader at one browser.

    Args:
        truth: by case, whether there is a finding. recorded: by case, whether the record says so.
        sure: by case, the answer that the scripted reader gives before the models.
    """

    def __init__(self, browser: Browser, mortal: Mortal, ledger: Ledger) -> None:
        self.mortal = mortal
        self.ledger = ledger
        self._browser = browser
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        """The browser's page; a new one after a kill."""
        if self._page is None:
            context = self._browser.new_context(
                viewport={"width": 1440, "height": 900}, color_scheme="dark", accept_downloads=True
            )
            context.set_default_timeout(CLICK)
            self._page = context.new_page()
        return self._page

    def revive(self, when: str) -> None:
        """After a kill: look what is kept, and start again."""
        self.mortal.disarm()
        if not self.mortal.dead:
            return
        if self._page is not None:
            self._page.context.close()
            self._page = None
        self.ledger.check(when)
        self.mortal.start()

    def surviving(self, when: str, act: Callable[[], None]) -> None:
        """Do something until it is done, however often the server dies on the way; what arms the kills is its own."""
        while True:
            try:
                act()
            except Killed:
                self.revive(when)
                continue
            except Error:
                if not self.mortal.dead:
                    raise
                self.revive(when)
                continue
            return

    # pages

    def go(self, address: str) -> None:
        """Open an address and wait until the page rests."""
        self.visit(address)
        self.rest()

    def visit(self, address: str) -> None:
        """Open an address; a page that follows a run draws itself anew all the time and never rests."""
        self.mortal.until(lambda: self._went(address), f"the address {address}")

    def _went(self, address: str) -> bool:
        self.page.goto(f"{self.mortal.url}/{address}", timeout=20_000)
        return True

    def rest(self) -> None:
        """Wait until the server has nothing more to draw."""
        app = self.page.locator("[data-testid=stApp]")
        self.mortal.until(
            lambda: (
                app.get_attribute("data-test-script-state") == "notRunning"
                and self.page.locator("[data-stale=true]").count() == 0
            ),
            "the page to rest",
        )

    def see(self, what: Locator, seconds: float = 600.0) -> None:
        """Wait until something is on the page."""
        self.mortal.until(lambda: what.first.is_visible(), str(what), seconds)

    def click(self, what: Locator) -> None:
        """Click, again where the page was being drawn."""
        self.see(what)
        self.mortal.until(lambda: self._clicked(what), f"a click on {what}")

    def _clicked(self, what: Locator) -> bool:
        what.first.click(timeout=CLICK)
        return True

    def button(self, name: str) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name)

    def radio(self, name: str) -> Locator:
        """One of several choices."""
        return self.page.get_by_role("radio", name=name, exact=True)

    def enter(self, label: str, text: str) -> None:
        """Write into a field and leave it."""
        field = self.page.get_by_label(label, exact=True).first
        self.see(field)
        self.mortal.until(lambda: self._entered(field, text), f"the field {label}")
        self.rest()

    def _entered(self, field: Locator, text: str) -> bool:
        field.fill(text)
        field.press("Tab")
        return True

    def pick(self, box: str, option: str) -> None:
        """Take an option of a list."""
        self.mortal.until(lambda: self._picked(box, option), f"the option {option} of {box}")
        self.rest()

    def _picked(self, box: str, option: str) -> bool:
        self.page.get_by_role("combobox", name=box).click()
        try:
            self.page.get_by_role("option", name=option).first.click()
        except Error:
            self.page.keyboard.press("Escape")
            raise
        return True

    # what a lead does

    def make_archive(self, name: str) -> None:
        """A new archive, read blind."""
        self.go("archives")
        self.enter("Name", name)
        self.click(self.button("Make it"))
        self.see(self.page.get_by_text("With a recorded diagnosis"))
        self.rest()

    def begin_import(self, folder: Path, system: str) -> None:
        """Name a folder on the server and import it."""
        self.go("archives")
        self.click(self.page.get_by_role("tab", name="Folder on the server"))
        self.enter("Folder, zip or CSV on the machine that runs Overread", str(folder))
        self.see(self.page.get_by_text("Patient codes are pseudonyms already"))
        self.pick("Read by", system)
        self.click(self.page.get_by_text("Patient codes are pseudonyms already"))
        self.rest()
        self.click(self.page.get_by_role("button", name="Import", exact=True))
        self.see(self.page.get_by_text(f"Import: {folder.name}"))

    def begin_scoring(self) -> None:
        """Let the models answer."""
        self.go("archives")
        self.click(self.page.get_by_role("button", name="Score", exact=True))
        self.see(self.page.get_by_text("Scoring: "))

    def watch_run(self, word: str) -> int | None:
        """How far the page says that a run is; ``None`` once it says done."""
        lines: list[str] = []

        def seen() -> bool:
            lines.append(self.page.locator("p", has_text=f"{word}: ").first.inner_text())
            return True

        self.mortal.until(seen, f"the line on {word}")
        line = lines[-1]
        parts = line.split("·")
        done = parts[2].split(" of ")[0].strip().replace(",", "")
        told = int(done) if done.isdigit() else 0
        if word == "Scoring":
            self.ledger.scored_told = max(self.ledger.scored_told, told)
        else:
            self.ledger.imported_told = max(self.ledger.imported_told, told)
        return None if parts[1].strip() == "done" else told

    # what a reader does

    def next_case(self) -> int:
        """Let the worklist name the next case to read."""
        self.go("worklist")
        self.click(self.button("Read the next case"))
        self.mortal.until(lambda: "case=" in self._address(), "the next case")
        return int(self._address().split("case=")[1].split("&")[0])

    def _address(self) -> str:
        return str(self.page.evaluate("location.href"))  # Page.url stands still while nothing is asked of the page

    def read(self, case: int, finding: bool, final: bool, agrees: bool, dying: Callable[[str], None]) -> None:
        """One case from wherever it stands to its peer review.

        Args:
            finding: the answer before the models. final: the one after.
            agrees: whether the final answer is that of the record.
            dying: asked at every step, by its name: arms a kill where one is due.
        """
        self.go(f"read?case={case}")
        blind = self.page.get_by_text("Your opinion, before the models'")
        locked = self.page.get_by_role("tab", name="Opinion", exact=True)
        self.mortal.until(lambda: blind.is_visible() or locked.first.is_visible(), "the case")
        if blind.is_visible():
            self._answer(finding)
            dying("locking")
            self.click(self.button("Lock my opinion and show the models"))
        self.see(locked)
        self.ledger.told.add((case, Stage.BLIND))
        dying("revealing")
        self.click(self.page.get_by_role("tab", name="Answers", exact=True))  # a reload opens the tab that was open
        self.see(self.page.locator("table.or-table"))
        self.click(locked)
        self.see(self.page.get_by_text("Before the models:"))
        self.rest()
        if not self.page.get_by_text("Final:").first.is_visible():
            self._answer(final)
            dying("locking the final opinion")
            self.click(self.button("Lock my final opinion"))
        self.see(self.page.get_by_text("Final:"))
        self.ledger.told.add((case, Stage.FINAL))
        self.rest()
        if not self._reviewed():
            dying("scoring the record")
            self.click(self.page.get_by_text(f"{(AGREE if agrees else DIFFER).value} · "))
            self.click(self.button("Save the peer review"))
            self.mortal.until(self._reviewed, "the peer review")

    def _reviewed(self) -> bool:
        heading = self.page.get_by_text("Peer review of the recorded diagnosis").first
        return heading.is_visible() and not self.button("Save the peer review").is_visible()

    def _answer(self, finding: bool) -> None:
        wanted = self.radio("tumour" if finding else "no tumour seen")
        for choice in (wanted, self.radio("90 %")):
            self.see(choice)
            if not choice.is_checked():
                self.click(choice)
            self.rest()

    # what an arbiter does

    def arbitrate(self, case: int, finding: bool, sided: str, dying: Callable[[str], None]) -> None:
        """Record the truth on a case."""
        self.go(f"arbitration?case={case}")
        settled = self.page.get_by_text("agreeing with")
        truth = self.page.get_by_text("The truth, as far as it can be told")
        self.see(truth)
        self.rest()
        if settled.is_visible():
            return
        self.click(self.radio("tumour" if finding else "no tumour seen"))
        self.rest()
        self.click(self.page.get_by_text(sided, exact=True))
        self.rest()
        dying("recording the truth")
        self.click(self.button("Record the truth"))
        self.see(settled)

    # what is taken away

    def take(self, name: str, folder: Path) -> Path:
        """Click a download and keep what it gives."""
        with self.page.expect_download(timeout=300_000) as download:
            self.click(self.button(name))
        target = folder / download.value.suggested_filename
        download.value.save_as(target)
        return target
