"""Draw docs/images/portal.png anew: a real screenshot of the portal over a store.

Run it from the repository: ``python docs/make_pictures.py sqlite:///night.db``. It needs playwright
(extra ``dev``) and Debian's Chromium.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--no-first-run"]


def main(store_url):
    """Serve the store, photograph its latest night, stop."""
    command = [sys.executable, "-c", SERVE, store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as portal:
        address = portal.stdout.readline().strip()
        try:
            photograph(address)
        finally:
            portal.terminate()


def photograph(address):
    """Save the night list, the latest exposure first: real changes and artefacts side by side."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 760}, color_scheme="light")
        page.goto(f"{address}/?sort=time", wait_until="networkidle")
        page.keyboard.press("j")
        page.screenshot(path=IMAGES / "portal.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
