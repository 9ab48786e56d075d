"""The page on which a released model is tried, in a browser: small and dark, by keyboard, with hostile answers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.chromium import LOW_CONTRAST, MISSING, found, opened, requests
from tests.unit.releases import RUN, released_run
from tools.trying.models import Answer, SideBySide
from tools.trying.serving import Page

pytestmark = pytest.mark.skipif(not found(), reason=MISSING)

HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>&amp;"


class Echo(SideBySide):
    """Real models, whose answers are the text itself: as a model could be brought to answer."""

    def answer(self, text: str, name: str) -> Answer:
        return Answer(text, 7, 0.5, [f"the text is {text}"], [f"the answer is {text}"], text, text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_policy: Path) -> Iterator[Page]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(released_run(tmp_path_factory.mktemp("run"), tiny_policy))
        with Page(0) as page:
            page.models = Echo(Path("results/release") / RUN)
            for work in (page.serve_forever, page.answer_forever):
                threading.Thread(target=work, daemon=True).start()
            yield page
            page.shutdown()


def visit(driver: Any, server: Page, width: int = 1280, scheme: str = "light") -> None:
    opened(driver, server.address, width, scheme)
    WebDriverWait(driver, 20).until(lambda _: driver.find_element(By.ID, "ask").is_enabled())


def answered(driver: Any) -> list[str]:
    WebDriverWait(driver, 20).until(
        lambda _: driver.find_element(By.ID, "ask").is_enabled() and "0.50 s" in driver.page_source
    )
    return [element.text for element in driver.find_elements(By.CSS_SELECTOR, ".card .text")]


def test_hostile_texts_and_answers_run_nothing(driver: Any, server: Page) -> None:
    visit(driver, server)
    driver.find_element(By.ID, "source").send_keys(HOSTILE)
    driver.find_element(By.ID, "source").send_keys(Keys.CONTROL, Keys.ENTER)
    assert answered(driver) == [HOSTILE, HOSTILE]
    assert driver.title == f"semalign: {RUN}"
    assert (
        driver.find_element(By.ID, "warnings").text == f"Warning: the text is {HOSTILE}. The answers may be of no use."
    )
    assert {card.text.splitlines()[-1] for card in driver.find_elements(By.CSS_SELECTOR, ".card:not(.strong_sft)")} == {
        f"Warning: the answer is {HOSTILE}."
    }
    assert driver.get_log("browser") == []
    assert all(url.startswith(server.address) for url in requests(driver))


def test_what_is_absent_is_said_and_the_others_answer(driver: Any, server: Page) -> None:
    visit(driver, server)
    assert (
        "results/mt/strong_sft/0/adapter is not here" in driver.find_element(By.CSS_SELECTOR, ".card.strong_sft").text
    )
    driver.find_element(By.ID, "example").click()
    assert len(answered(driver)) == 2


def test_a_refusal_is_shown(driver: Any, server: Page) -> None:
    visit(driver, server)
    driver.find_element(By.ID, "ask").click()
    warnings = driver.find_element(By.ID, "warnings")
    WebDriverWait(driver, 20).until(lambda _: warnings.text)
    assert warnings.text == "There is no text yet: write some."


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400, 320])
def test_it_fits_and_stands_out(driver: Any, server: Page, scheme: str, width: int) -> None:
    visit(driver, server, width, scheme)
    driver.find_element(By.ID, "source").send_keys("unbroken" * 40)
    driver.find_element(By.ID, "ask").click()
    answered(driver)
    driver.execute_script("document.querySelector('details').open = true")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    dark = driver.execute_script(
        "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((v) => v < 60)"
    )
    assert dark == (scheme == "dark")
    assert driver.execute_script(LOW_CONTRAST) == []
