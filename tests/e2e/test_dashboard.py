"""The pages in a real Chromium, against a platform that trades: one platform for all of these tests."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.e2e.slices import ROOT, kept_replay

from tradewire.app.cli.reach import Where
from tradewire.app.web.address import address, one_time_link
from tradewire.embedded.freezing import freeze, thaw
from tradewire.embedded.platform_state import read_platform
from tradewire.ports.bus import Outgoing
from tradewire.runtime.bus import connect
from tradewire.runtime.clock import SystemClock

AXE = ROOT / "apps/tradewire/web/node_modules/axe-core/axe.min.js"
LIVE_PAGES = ("/", "/m", "/positions", "/a", "/trades", "/s", "/s/ema-cross-btc", "/why", "/why?all", "/platform")
PAGES = (*LIVE_PAGES, "/platform/letters", "/log", "/about", "/none")
SIZES = ((1280, 800), (390, 844), (320, 640))
WAIT_MS = 60_000
"""Bounds a wait on a busy machine."""
VIOLATIONS = """window.violations = [];
document.addEventListener('securitypolicyviolation',
  event => window.violations.push(event.violatedDirective + ' ' + event.sourceFile));"""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def root(run_roots: Path) -> Iterator[Path]:
    """``tradewire up``: six processes and the dashboard, on the hourly sample."""
    with kept_replay(run_roots / "dashboard", bars_per_second=4) as folder:
        yield folder


@pytest.fixture(scope="module")
def browser(root: Path) -> Iterator[BrowserContext]:
    """A browser that came in by the one-time link."""
    base = address(root)
    assert base is not None
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = launched.new_context(base_url=base)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(VIOLATIONS)
        page = context.new_page()
        page.goto(one_time_link(root, base, SystemClock()))
        page.wait_for_url(f"{base}/")
        expect(page.locator("main h1")).not_to_have_text("Reading the platform…", timeout=WAIT_MS)
        page.close()
        yield context
        launched.close()


@contextmanager
def opened(browser: BrowserContext, path: str) -> Iterator[Page]:
    """A page whose blocks have all been read; at its end, nothing was refused by the policy or logged as an error."""
    page, errors = browser.new_page(), list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path)
    expect(page.locator("main h1").first).to_be_attached(timeout=WAIT_MS)
    expect(page.get_by_text("Reading…", exact=True)).to_have_count(0, timeout=WAIT_MS)
    yield page
    assert page.evaluate("window.violations") == []
    assert errors == []
    page.close()


async def publish(bus_url: str, record: Outgoing) -> None:
    """Write a record as some other client might."""
    bus = connect(bus_url, client_id="hostile")
    await bus.start()
    try:
        await bus.publish([record])
    finally:
        await bus.close()


def in_force(root: Path) -> dict[str, Any]:
    """What `tradewire controls` tells, from a process of its own: the browser's client has this one's event loop."""
    command = [sys.executable, "-m", "tradewire.app.cli", "controls", "--root", str(root), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout)["in_force"])


@pytest.mark.parametrize("path", PAGES)
def test_page_when_opened_then_accessible_in_both_themes_and_all_sizes(browser: BrowserContext, path: str) -> None:
    with opened(browser, path) as page:
        page.evaluate(AXE.read_text())
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                broken = {one["id"]: [node["html"][:120] for node in one["nodes"]] for one in found["violations"]}
                assert broken == {}, f"{theme} {width}"
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{theme} {width}"


def test_page_when_used_by_keyboard_then_each_key_does_what_about_says(browser: BrowserContext) -> None:
    with opened(browser, "/") as page:
        expect(page.locator("[data-connection=live]")).to_be_visible(timeout=WAIT_MS)
        page.keyboard.press("3")
        expect(page).to_have_url(re.compile("/positions$"))
        page.keyboard.press("f")
        expect(page.get_by_text("frozen")).to_be_visible()
        page.keyboard.press("f")
        expect(page.get_by_text("frozen")).to_have_count(0)
        page.keyboard.press("/")
        page.keyboard.type("ema-cross")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/s/ema-cross-btc$"))


def test_why_when_asked_of_a_fill_then_two_acts_lead_to_the_rules(browser: BrowserContext) -> None:
    with opened(browser, "/") as page:
        page.get_by_role("link", name="why?").first.click()
        expect(page.locator("[data-verdict]")).to_contain_text("the rules said", timeout=WAIT_MS)
        expect(page.get_by_text("Risk said")).to_be_visible()


def test_why_when_asked_of_a_bar_on_the_chart_then_two_acts_lead_to_each_rule_and_what_it_saw(
    browser: BrowserContext,
) -> None:
    with opened(browser, "/") as page:
        page.keyboard.press("2")
        page.get_by_role("link", name="why?").last.click()
        expect(page).to_have_url(re.compile("at=[0-9]+$"))
        expect(page.locator("[data-verdict]")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("[data-rule=entry_long]")).to_contain_text("crossed_above", timeout=WAIT_MS)


def test_trades_when_sorted_and_saved_then_the_url_has_the_order_and_the_file_each_row(browser: BrowserContext) -> None:
    with opened(browser, "/trades") as page:
        expect(page.get_by_role("link", name="why?").first).to_be_visible(timeout=WAIT_MS)
        page.get_by_label("order of rows").select_option("worst")
        expect(page).to_have_url(re.compile("sort=worst$"))
        with page.expect_download() as saved:
            page.get_by_role("button", name="CSV").click()
        rows = list(csv.DictReader(saved.value.path().read_text().splitlines()))
        assert {row["symbol"] for row in rows} == {"BTCUSD"}
        pnl = [float(row["pnl"]) for row in rows if row["pnl"]]
        assert pnl == sorted(pnl)
        page.get_by_role("link", name="chart of BTCUSD").first.click()
        expect(page.locator("[data-at]")).to_be_visible(timeout=WAIT_MS)


def test_account_when_opened_then_curve_limits_and_days(browser: BrowserContext) -> None:
    with opened(browser, "/a") as page:
        expect(page.locator(".curve canvas")).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("max_leverage")).to_be_visible()
        expect(page.get_by_text("2017-07-0").first).to_be_attached()


def test_chart_when_a_bar_is_clicked_then_that_bar_is_explained(browser: BrowserContext) -> None:
    with opened(browser, "/m") as page:
        page.locator(".chart").click(position={"x": 120, "y": 60})
        expect(page.locator("[data-at]")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("[data-verdict]")).to_be_visible(timeout=WAIT_MS)


def test_halt_in_the_tenth_tab_when_confirmed_then_risk_and_execution_obey(browser: BrowserContext, root: Path) -> None:
    tabs = [browser.new_page() for _ in range(9)]
    for tab in tabs:
        tab.goto("/")
    with opened(browser, "/") as page:
        page.get_by_role("button", name="Halt…").click()
        page.keyboard.press("Enter")
        expect(page.locator("[data-outcome=obeyed]")).to_contain_text("execution", timeout=WAIT_MS)
        level = in_force(root)["global"]
        assert (level["level"], set(level["obeyed_by"])) == ("NO_NEW", {"risk", "execution"})
        expect(tabs[0].locator("[data-level=NO_NEW]")).to_be_visible(timeout=WAIT_MS)
        page.get_by_role("button", name="Resume", exact=True).click()
        resume = page.get_by_role("button", name="Resume everything")
        expect(resume).to_be_disabled()
        page.locator("#typed").fill("everything")
        resume.click()
        expect(page.locator("[data-outcome=obeyed]")).to_contain_text("normal", timeout=WAIT_MS)
        assert in_force(root) == {}
    for tab in tabs:
        tab.close()


def test_dead_letter_when_given_up_on_its_page_then_its_service_passes_it_over_and_the_journal_says_who(
    browser: BrowserContext, root: Path
) -> None:
    spoilt = Outgoing("strategy.evaluation.v1", b"nobody", b"not Avro")
    with ThreadPoolExecutor() as beside:  # the browser's client has this thread's event loop
        beside.submit(asyncio.run, publish(Where(root).bus(), spoilt)).result()
    with opened(browser, "/platform/letters?service=risk") as page:
        row = page.locator("tbody tr")
        expect(row).to_contain_text("nobody", timeout=WAIT_MS)
        row.locator("summary").click()
        expect(row.locator("dl")).to_contain_text("risk passes this record over for good")
        page.get_by_role("button", name="Give up letter").click()
        page.locator("#typed-letter").fill("nobody")
        page.get_by_role("button", name="Give up", exact=True).click()
        expect(page.locator("[data-outcome=done]")).to_contain_text("risk handled 0 and gave up 1", timeout=WAIT_MS)
        page.keyboard.press("Escape")
        expect(page.get_by_text("No dead letter waits.")).to_be_visible(timeout=WAIT_MS)
        page.get_by_label("state").select_option("GIVEN_UP")
        expect(row).to_contain_text("given up", timeout=WAIT_MS)
    with opened(browser, "/log") as page:
        expect(page.get_by_text("replay_asked")).to_be_visible(timeout=WAIT_MS)


def test_tile_when_its_service_is_killed_then_red_until_it_is_back(browser: BrowserContext, root: Path) -> None:
    with opened(browser, "/platform") as page:
        tile = page.locator("[data-service=risk]")
        expect(tile).to_contain_text("● ready", timeout=WAIT_MS)
        state = read_platform(root)
        assert state is not None
        mark = state.services["risk"].mark
        assert mark is not None
        os.kill(mark.pid, signal.SIGKILL)
        expect(tile).to_contain_text("■ down", timeout=WAIT_MS)
        expect(tile).to_contain_text("● ready", timeout=WAIT_MS)


def test_page_when_its_server_stands_still_then_late_and_live_again_by_itself(
    browser: BrowserContext, root: Path
) -> None:
    with opened(browser, "/") as page:
        expect(page.locator("[data-connection=live]")).to_be_visible(timeout=WAIT_MS)
        state = read_platform(root)
        assert state is not None
        mark = state.services["web"].mark
        assert mark is not None
        freeze(mark.pid)
        try:
            expect(page.locator("[data-connection=late], [data-connection=lost]")).to_be_visible(timeout=WAIT_MS)
        finally:
            thaw(mark.pid)
        expect(page.locator("[data-connection=live]")).to_be_visible(timeout=WAIT_MS)
