"""Print how many independent gaps a list of n scores is worth: the table in `analysis/cuts/gap.py`.

For lists without any break, from three families of scores, it finds the surprise that 4 % of them exceed; the
table holds the worst of the three. So p <= 0.05 comes up in 4 % of the worst lists: the rest is for families
not tried.
"""

from __future__ import annotations

import argparse

import numpy as np

from diptych.analysis.cuts.gap import least_probable_gap

SIZES = (7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 250, 300, 400, 500, 700, 1_000, 2_000, 4_000, 10_000)
LEVEL, REACHED = 0.05, 0.04


def families(rng: np.random.Generator, lists: int, n: int) -> dict[str, np.ndarray]:
    """Scores without a break, one list per row."""
    return {
        "normal": rng.standard_normal((lists, n)),
        "gumbel": rng.gumbel(size=(lists, n)),
        "t5": rng.standard_t(5, (lists, n)),
    }


def effective_gaps(surprise: np.ndarray) -> float:
    """The factor on exp(-surprise) that makes p <= 0.05 come up in 4 % of the lists."""
    return float(LEVEL * np.exp(np.quantile(surprise, 1 - REACHED)))


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=40_000, help="simulated lists of each family and size")
    lists = parser.parse_args().lists
    rng = np.random.default_rng(0)
    for n in SIZES:
        surprises: dict[str, list[np.ndarray]] = {}
        at_once = max(1, min(lists, 4_000_000 // n))
        for _ in range(0, lists, at_once):
            for family, scores in families(rng, at_once, n).items():
                gaps = least_probable_gap(-np.sort(-scores, axis=1), n)
                surprises.setdefault(family, []).append(gaps.surprise)
        found = {family: effective_gaps(np.concatenate(parts)) for family, parts in surprises.items()}
        detail = ", ".join(f"{family} {value:.3g}" for family, value in found.items())
        print(f"    {n}: {max(found.values()):.3g},  # {detail}", flush=True)


if __name__ == "__main__":
    main()
