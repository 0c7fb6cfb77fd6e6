"""The report in a real browser, where one is installed: every picture decodes, nothing is wider than the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bispike.report.page import POLICY, page

from .makers import record, reported
from .reading import Page

BROWSERS = [path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path][:1]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--virtual-time-budget=4000",
]
LOOK = """<script>addEventListener("load", () => {
  const images = [...document.images];
  const seen = {images: images.length, decoded: images.filter(i => i.naturalWidth > 0).length,
    window: innerWidth, page: document.documentElement.scrollWidth,
    narrowest: Math.min(...images.map(i => i.getBoundingClientRect().width))};
  const out = document.createElement("pre"); out.id = "seen"; out.textContent = JSON.stringify(seen);
  document.body.append(out);
})</script>"""


@pytest.mark.slow
@pytest.mark.parametrize("browser", BROWSERS)
def test_browser_shows_every_picture_and_never_scrolls_sideways(browser: str, tmp_path: Path) -> None:
    records = [record("bsd"), record("bptt")]
    text = page([reported(one) for one in records])
    assert text.count(POLICY.replace("'", "&#x27;")) == 1
    # The page allows no script; the copy that is looked at needs one.
    copy = re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</body>", LOOK + "</body>")
    file = tmp_path / "report.html"
    file.write_text(copy, encoding="utf-8")
    for width in (1100, 500):
        flags = [*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2000", "--dump-dom"]
        shown = subprocess.run([browser, *flags, file.as_uri()], capture_output=True, timeout=120, check=True)
        found = re.search(r'<pre id="seen">(.*?)</pre>', shown.stdout.decode())
        assert found is not None
        seen = json.loads(found.group(1))
        assert seen["images"] == seen["decoded"] == len(Page(text).all("img"))
        assert seen["page"] <= seen["window"] <= width
        assert seen["narrowest"] > 300
