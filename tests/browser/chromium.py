"""Chromium without a window, driven by selenium: Debian's `chromium` and `chromium-driver`."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

MISSING = "needs Chromium and its driver: tests/install.sh chromium does it on Debian"


def found() -> bool:
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """A browser that notes what pages ask the network for and what they say on the console."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1100",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver: webdriver.Chrome, page: Path | str, width: int = 1280, scheme: str = "light") -> None:
    """Open a file or an address at a width in pixels, in a colour scheme; what was noted before is forgotten."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}  # a click waits for no scrolling
    media = [{"name": name, "value": value} for name, value in wanted.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    driver.get("about:blank")
    driver.get_log("performance")
    driver.get_log("browser")
    driver.get(page if isinstance(page, str) else page.as_uri())
    driver.execute_async_script("const done = arguments[0]; document.fonts.ready.then(() => done())")


def requests(driver: webdriver.Chrome) -> list[str]:
    """What the page has asked for since it was opened, the data within it aside."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("data:")]


def fonts_of(driver: webdriver.Chrome, selector: str) -> list[dict[str, Any]]:
    """The fonts that draw the text of the first element that fits: familyName, isCustomFont, glyphCount."""
    for domain in ("DOM", "CSS"):
        driver.execute_cdp_cmd(f"{domain}.enable", {})
    root = driver.execute_cdp_cmd("DOM.getDocument", {})["root"]["nodeId"]
    node = driver.execute_cdp_cmd("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts: list[dict[str, Any]] = driver.execute_cdp_cmd("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return fonts


LOW_CONTRAST = """
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const parsed = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parsed(getComputedStyle(e).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour.slice(0, 3);
  }
  return [255, 255, 255];
};
const low = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest("script, style, option")) continue;
  if (element.disabled) continue;
  const style = getComputedStyle(element);
  const box = element.closest("svg") && element.parentElement.querySelector("rect");
  const text = parsed(element.closest("svg") ? style.fill : style.color).slice(0, 3);
  const ground = box ? parsed(getComputedStyle(box).fill).slice(0, 3) : behind(element);
  const [light, dark] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < 4.5) low.push(`${element.tagName} ${element.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
}
return low;
"""
"""Texts whose contrast with what is behind them is below 4.5:1 (WCAG 2.2, 1.4.3)."""
