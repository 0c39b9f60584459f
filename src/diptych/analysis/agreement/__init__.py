"""How far two embedders agree: in the order of one query's images, and in which images they hold alike."""

from __future__ import annotations

from diptych.analysis.agreement.disputes import Dispute
from diptych.analysis.agreement.likeness import Likeness, likeness
from diptych.analysis.agreement.neighbours import DisputedNeighbourhood
from diptych.analysis.agreement.pair import RankAgreement, SpaceAgreement, rank_agreement, space_agreement

__all__ = [
    "Dispute",
    "DisputedNeighbourhood",
    "Likeness",
    "RankAgreement",
    "SpaceAgreement",
    "likeness",
    "rank_agreement",
    "space_agreement",
]
