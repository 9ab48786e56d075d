"""The report in a browser, as a reader has it: offline, sorted and searched by mouse and keyboard, small and dark."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from semalign.report.page import build
from tests.browser.chromium import LOW_CONTRAST, MISSING, fonts_of, found, opened, requests
from tests.unit.report.test_report import HOSTILE
from tests.unit.reported import answer, write_finished

pytestmark = pytest.mark.skipif(not found(), reason=MISSING)

COLUMN = """
const table = document.getElementById(arguments[0]);
return [...table.tBodies].map((body) => [...body.rows].filter((row) => !row.classList.contains("group"))
  .map((row) => Number(row.cells[arguments[1]].dataset.sort)));
"""
SHOWN = "return [...document.querySelectorAll('#table-examples tbody tr')].filter((row) => !row.hidden)"


@pytest.fixture
def page(reported: Path) -> Path:
    return reported / "results" / "report.html"


@pytest.fixture
def chromium(driver: Any, page: Path) -> Any:
    opened(driver, page)
    return driver


def test_it_loads_without_network_and_without_a_complaint(chromium: Any, page: Path) -> None:
    chromium.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    assert requests(chromium) == [page.as_uri()]
    assert chromium.get_log("browser") == []
    images = chromium.execute_script("return [...document.images].map((i) => i.complete && i.naturalWidth > 0)")
    assert images == [True] * 8


def test_hostile_answers_run_nothing(driver: Any, tmp_path: Path) -> None:
    run = replace(write_finished(tmp_path, [0]), examples=6)
    for place, text in enumerate(HOSTILE):
        answer(tmp_path, "mt", "rl", 0, place, text)
    file = tmp_path / "report.html"
    file.write_text(build(run), encoding="utf-8")
    opened(driver, file)
    assert driver.title == "semalign: translation, headlines"
    assert driver.get_log("browser") == []
    assert requests(driver) == [file.as_uri()]
    assert HOSTILE[0] in driver.find_element(By.ID, "table-examples").text


def test_tables_sort_by_mouse(chromium: Any) -> None:
    button = chromium.find_elements(By.CSS_SELECTOR, "#table-table3 thead button")[2]  # the first figure
    head = button.find_element(By.XPATH, "..")
    before = chromium.execute_script(COLUMN, "table-table3", 2)
    assert len(before) == 2
    for direction in ("descending", "ascending"):
        button.click()
        assert head.get_attribute("aria-sort") == direction
        expected = [sorted(group, reverse=direction == "descending") for group in before]
        assert chromium.execute_script(COLUMN, "table-table3", 2) == expected
        assert direction in chromium.find_element(By.ID, "announcer").get_attribute("textContent")
    button.click()
    assert head.get_attribute("aria-sort") is None
    assert chromium.execute_script(COLUMN, "table-table3", 2) == before


def test_tables_sort_by_keyboard(chromium: Any) -> None:
    button = chromium.find_elements(By.CSS_SELECTOR, "#table-costs thead button")[2]
    chromium.execute_script("arguments[0].focus()", button)
    for key, direction in ((Keys.ENTER, "descending"), (Keys.SPACE, "ascending")):
        chromium.switch_to.active_element.send_keys(key)
        assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == direction
        (jobs,) = chromium.execute_script(COLUMN, "table-costs", 2)
        assert jobs == sorted(jobs, reverse=direction == "descending")


def test_examples_are_searched_filtered_and_sorted(chromium: Any) -> None:
    everything = chromium.execute_script("return document.querySelectorAll('#table-examples tbody tr').length")
    assert everything == 2 * 12
    assert len(chromium.execute_script(SHOWN)) == 20
    search = chromium.find_element(By.ID, "search")
    search.send_keys("HG-TEST-1")
    ids = chromium.execute_script(f"{SHOWN}.map((row) => row.querySelector('.id').textContent.trim())")
    assert set(ids) == {"hg-test-1", "hg-test-10", "hg-test-11"}
    assert "3" in chromium.find_element(By.ID, "found").text
    search.clear()
    search.send_keys("nothing has this")
    assert "No item" in chromium.find_element(By.ID, "found").text
    search.clear()
    search.send_keys(Keys.SPACE)
    Select(chromium.find_element(By.ID, "of-task")).select_by_value("mt")
    assert chromium.execute_script(f"{SHOWN}.every((row) => row.dataset.task === 'mt')")
    Select(chromium.find_element(By.ID, "by-score")).select_by_value("reward")
    chromium.find_elements(By.CSS_SELECTOR, "#table-examples thead button")[4].click()
    values = chromium.execute_script(f"{SHOWN}.map((row) => Number(row.cells[4].dataset.reward))")
    assert len(values) == 12
    assert values == sorted(values, reverse=True)


def test_what_is_found_is_saved_as_csv(chromium: Any) -> None:
    chromium.find_element(By.ID, "search").send_keys("HG-TEST-1")
    text = chromium.execute_async_script("""
        const done = arguments[0];
        URL.createObjectURL = (blob) => { blob.text().then(done); return "#"; };
        document.querySelector("[data-table=table-examples]").click();
    """)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["part"] for row in rows] == ["hg"] * 3  # hg-test-1, -10 and -11
    assert all(0 <= float(row["RL: independent"]) <= 1 for row in rows)
    assert {row["strong SFT"] for row in rows} == set(
        chromium.execute_script(f"{SHOWN}.map((row) => row.cells[4].querySelector('.text').textContent.trim())")
    )


def test_curves_tell_values_without_a_script(chromium: Any) -> None:
    told = chromium.execute_script("return [...document.querySelectorAll('.chart title')].map((t) => t.textContent)")
    assert len([text for text in told if text.startswith("seed 0, step 1: loss ")]) == 4  # two SFTs of two tasks


def test_examples_are_leafed_through(chromium: Any) -> None:
    later = chromium.find_element(By.ID, "later")
    chromium.execute_script("arguments[0].click()", later)
    assert len(chromium.execute_script(SHOWN)) == 4
    assert not later.is_enabled()
    chromium.execute_script("arguments[0].click()", chromium.find_element(By.ID, "earlier"))
    assert len(chromium.execute_script(SHOWN)) == 20


def test_tibetan_is_drawn_by_the_embedded_font(chromium: Any) -> None:
    fonts = fonts_of(chromium, "#table-examples td .text[lang=bo]")
    assert [font["familyName"] for font in fonts] == ["Noto Serif Tibetan"]
    assert fonts[0]["isCustomFont"]
    width = """
        const context = document.createElement("canvas").getContext("2d");
        context.font = '100px "Report Tibetan"';
        return arguments[0].map((text) => context.measureText(text).width);
    """
    stack, parts, missing = chromium.execute_script(width, ["རྒྱ", "ར" + "ག" + "ཡ", "\u0fff"])
    assert 0 < stack < 0.7 * parts  # letters are set below one another
    assert missing != stack


@pytest.mark.parametrize("width", [400, 320])
def test_it_is_readable_on_a_small_screen(driver: Any, page: Path, width: int) -> None:
    opened(driver, page, width)
    wide = "return [document.documentElement.scrollWidth, document.body.scrollWidth]"
    assert max(driver.execute_script(wide)) <= width
    driver.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert max(driver.execute_script(wide)) <= width
    small = """
        return [...document.querySelectorAll("body *:not(svg *)")].filter((e) => e.checkVisibility() &&
          [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
          parseFloat(getComputedStyle(e).fontSize) < 11.5).map((e) => e.outerHTML.slice(0, 80))
    """
    assert driver.execute_script(small) == []
    # the tables that are wider scroll within their own frame, and can be reached by the keyboard to do so
    frames = driver.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth)"
        ".map((e) => e.tabIndex)"
    )
    assert frames
    assert set(frames) == {0}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_text_stands_out(driver: Any, page: Path, scheme: str, width: int) -> None:
    opened(driver, page, width, scheme)
    dark = driver.execute_script(
        "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((v) => v < 60)"
    )
    assert dark == (scheme == "dark")
    driver.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert driver.execute_script(LOW_CONTRAST) == []


def test_everything_is_reached_by_the_tab_key(chromium: Any) -> None:
    chromium.execute_script("""
        window.reached = [];
        document.addEventListener("focusin", ({ target }) => {
          const style = getComputedStyle(target);
          window.reached.push([target.id || target.hash || target.textContent.trim().slice(0, 40), style.outlineStyle]);
        });
    """)
    stops = chromium.execute_script(
        "return [...document.querySelectorAll('a, button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter((e) => e.checkVisibility() && !e.disabled).length"
    )
    body = chromium.find_element(By.TAG_NAME, "body")
    for start in range(0, stops, 20):
        chromium.switch_to.active_element.send_keys(Keys.TAB * min(20, stops - start)) if start else body.send_keys(
            Keys.TAB * min(20, stops)
        )
    reached = chromium.execute_script("return window.reached")
    names = [name for name, _ in reached]
    assert names[0] == "#main"  # the link that skips the contents
    assert names[1] == "#overview"
    for wanted in ("#examples", "model", "search", "of-task", "of-outcome", "by-score", "strong SFT", "later"):
        assert wanted in names
    assert {outline for _, outline in reached} == {"solid"} or all(outline != "none" for _, outline in reached)


def test_the_skip_link_leads_to_the_results(chromium: Any) -> None:
    chromium.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert chromium.switch_to.active_element.is_displayed()
    chromium.switch_to.active_element.send_keys(Keys.ENTER)
    assert chromium.switch_to.active_element.get_attribute("id") == "main"
