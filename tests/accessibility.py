"""What axe-core finds wrong on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import need

if TYPE_CHECKING:
    from playwright.sync_api import Page


def serious_violations(page: Page) -> dict[str, list[str]]:
    """The rules that a page breaks seriously, each with the first elements that do."""
    need("axe_core_python")
    from axe_core_python.sync_playwright import Axe

    # every rule runs; but only what breaks one is described, which is most of the work on a long page
    found = Axe().run(page, options={"resultTypes": ["violations"]})["violations"]
    return {
        violation["id"]: [node["html"] for node in violation["nodes"][:3]]
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    }
