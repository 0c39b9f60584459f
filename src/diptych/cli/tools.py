"""`embedders`, `doctor`: what there is to use, and what works here."""

from __future__ import annotations

from diptych.cli.app import app
from diptych.cli.options import Debug, Store
from diptych.cli.shared import make_console


@app.command()
def embedders(debug: Debug = False) -> None:
    """List the embedders: what there is, what each needs, licence, price, retirement date."""
    from diptych.embedders.cards import cards
    from diptych.present.text import show_cards

    show_cards(cards(), make_console())


@app.command()
def doctor(store: Store = None, debug: Debug = False) -> None:
    """Say what works here and what is missing, with the line to run."""
    from diptych.doctor import examine
    from diptych.present.text import show_checks

    show_checks(examine(store), make_console())
