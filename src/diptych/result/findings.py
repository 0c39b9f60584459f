"""What the figures say, in sentences: each rests on figures that stand beside it and claims no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diptych.analysis.agreement import Likeness
from diptych.analysis.agreement.likeness import LUCK
from diptych.analysis.null import FALSE_DISCOVERIES
from diptych.analysis.separation import Separation
from diptych.analysis.stratification import LEVEL, Stratification
from diptych.analysis.summary import NO_PROOF
from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import PairedComparison
from diptych.result import Agreement, ContrastResult, Finding, Hit, QueryResult
from diptych.result.breaks import PLACE_UNSURE, place
from diptych.text import count
from diptych.thresholds.passing import Passing

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

_NOTEWORTHY = 2.0
"""A dispute is worth a sentence where one ranking has the image at least this many times deeper."""

_SHARPLY = 2.0
"""Null deviations that make a drop a sharp one; smaller ones are only more than chance."""


def query_findings(result: QueryResult, images: int, flat: Sequence[str]) -> tuple[str, ...]:
    """What is worth reading about one query's rankings.

    Args:
        result: The query with its figures.
        images: How many pictures were ranked.
        flat: The embedders that give all of them the same score.
    """
    telling = {name: hits for name, hits in result.rankings.items() if name not in flat}
    return (
        *_on_itself(result),
        *(
            f"{name} gives all {count(images, 'picture')} the same score: they stand in the order of their"
            " names."
            for name in flat
        ),
        *_on_first(telling),
        *(sentence for pair in result.agreement for sentence in _on_pair(pair)),
        *(
            _on_fall(name, ranking, images, "texts" if result.kind == "text" else "pictures")
            for name, ranking in result.stratification.items()
            if name in telling
        ),
        *(_on_passing(name, passing, images) for name, passing in result.passing.items()),
        *(_on_contrast(result.query, name, contrast) for name, contrast in result.contrast.items()),
    )


def overall_findings(
    queries: Sequence[QueryResult],
    images: int,
    decisive: Sequence[PairedComparison] = (),
    likeness: Sequence[Likeness] = (),
    separation: Sequence[Separation] = (),
) -> tuple[Finding, ...]:
    """The answers over all queries: do they rank alike, does either list break, is one better.

    Args:
        queries: The queries with their figures.
        images: How many pictures were ranked.
        decisive: What judgments say of each two embedders; without any the last can't be told.
        likeness: How far each two embedders' rankings agree.
        separation: Who of each two separates its first pictures further.
    """
    names = list(queries[0].rankings)
    alike = [_on_likeness(pair, queries, images) for pair in likeness]
    breaks = [_on_breaks(name, queries, images) for name in names]
    apart = [_on_separation(pair) for pair in separation if len(queries) > 1 and pair.queries]
    return (*alike, *breaks, *apart, *(_on_quality(decisive) if len(names) > 1 else ()))


def first_picture(hits: Sequence[Hit]) -> str | None:
    """The first picture's name, the query picture left out; None where several share the first place."""
    others = [hit for hit in hits if not hit.itself]
    if not others or (len(others) > 1 and others[1].score == others[0].score):
        return None
    return others[0].image


def _on_itself(result: QueryResult) -> list[str]:
    if not any(hit.itself for hits in result.rankings.values() for hit in hits):
        return []
    inside = "The query picture is in the collection"
    if all(hits[0].itself for hits in result.rankings.values()):
        return [f"{inside}: each list begins with it."]
    others = [
        name
        for name, hits in result.rankings.items()
        if not any(hit.itself and hit.score == hits[0].score for hit in hits)
    ]
    if not others:
        return [f"{inside}: each list begins with it, or with one that scores the same."]
    return [f"{inside}, yet {' and '.join(others)} {'does' if len(others) == 1 else 'do'} not rank it first."]


def _on_first(rankings: Mapping[str, Sequence[Hit]]) -> list[str]:
    """Which image each embedder ranks first; nothing where several share that place in the order of names."""
    firsts = {name: first_picture(hits) for name, hits in rankings.items()}
    if len(firsts) < 2 or None in firsts.values():
        return []
    different = list(dict.fromkeys(firsts.values()))
    if len(different) == 1:
        return [f"{'Both' if len(firsts) == 2 else 'All'} rank {different[0]} first."]
    return ["; ".join(f"{name} ranks {image} first" for name, image in firsts.items()) + "."]


def _on_pair(pair: Agreement) -> list[str]:
    figures, sentences = pair.figures, []
    if pair.disputed and (worst := pair.disputed[0]):
        ranks = sorted((worst.rank_a, worst.rank_b))
        if ranks[1] >= _NOTEWORTHY * ranks[0]:
            sentences.append(
                f"{pair.a} puts {worst.image} {_ordinal(worst.rank_a)}, {pair.b} {_ordinal(worst.rank_b)}."
            )
    if figures.overlap_above_chance is not None and figures.overlap_by_chance is not None:
        sentences.append(
            f"Of their first {figures.k}, {pair.a} and {pair.b} share {figures.overlap_at_k}"
            f" (by luck: {_about(figures.overlap_by_chance)})."
        )
    return sentences


def _on_fall(name: str, ranking: Stratification, images: int, unrelated: str) -> str:
    """Whether a list breaks, and what stands out from unrelated texts or pictures: neither says the other."""
    out, breaks = ranking.stands_out, _on_break(name, ranking, images, unrelated)
    if out is None or ranking.verdict == "all equal":
        return breaks
    if out == 0:
        return f"{breaks} None stands out from unrelated {unrelated}."
    chance = FALSE_DISCOVERIES * out
    by_chance = f"about {chance:,.0f}" if chance >= 1 else "1 in 10 of such"
    stand = "stands" if out == 1 else "stand"
    return f"{breaks} {out:,} {stand} out from unrelated {unrelated} ({by_chance} by chance)."


def _on_break(name: str, ranking: Stratification, images: int, unrelated: str) -> str:
    if ranking.verdict == "all equal":
        return f"{name} gives all other pictures the same score: there is no break."
    if ranking.verdict == "too few images":
        return f"{count(images, 'picture')}: too few to tell whether the list of {name} breaks."
    if ranking.breakpoint is not None:
        told = "; ".join(filter(None, (_size(ranking, unrelated), _firmness(ranking))))
        far = ranking.z_gap is None or ranking.z_gap >= _SHARPLY
        drop = "drop sharply" if far else "drop by more than chance"
        told = f" ({told})" if told else ""
        if ranking.unsure:
            where = f"breaks, {PLACE_UNSURE}: {place(ranking)}"
            return f"The list of {name} {where}; the scores {drop} after {ranking.breakpoint:,}{told}."
        return f"The list of {name} breaks {place(ranking)}: the scores {drop} there{told}."
    none = f"No clear break in the list of {name}"
    if ranking.largest_gap is None or ranking.p is None:
        return f"{none}."
    size = _size(ranking, unrelated)
    fall = f"{none}: the most unusual fall, after {ranking.largest_gap:,}, is {size or 'of no known size'}"
    if ranking.p <= LEVEL:
        return f"{fall}, too small to separate anything."
    share = "any list" if ranking.p > 0.995 else f"{100 * ranking.p:.0f} of 100 lists"
    return f"{fall}; with {count(images, 'picture')} that comes about by chance in {share}."


def _size(ranking: Stratification, unrelated: str) -> str:
    """How far the scores drop at the largest gap."""
    if ranking.z_gap is None:
        return ""
    of = "the list's lower half" if ranking.stands_out is None else f"unrelated {unrelated}"
    return f"{ranking.z_gap:.1f} × the scatter of {of}"


def _firmness(ranking: Stratification) -> str:
    """How firm the place of the break is."""
    if ranking.stability is None:
        return ""
    return f"same place in {100 * ranking.stability:.0f} % when pictures are left out at random"


def _on_passing(name: str, passing: Passing, images: int) -> str:
    some = f"About {passing.count:,}" if passing.count else "None"
    passes = "pass" if passing.count > 1 else "passes"
    return (
        f"{some} of {count(images, 'picture')} {passes} the threshold learned for {name}"
        f" from {passing.queries:,} other judged queries (F1 there about {passing.f1:.2f}, of what was"
        " judged)."
    )


def _on_contrast(query: str, name: str, contrast: ContrastResult) -> str:
    rivals = " and ".join(contrast.rivals)
    if contrast.looked_at == 0:
        return f"With {name} no picture stands out for {query} or {rivals}: there is nothing to tell apart."
    looked_at = count(contrast.looked_at, "picture")
    if contrast.wins == 0:
        return f"With {name}, {query} beats {rivals} on none of {looked_at}."
    won = f"With {name}, {query} beats {rivals} on {contrast.wins:,} of {looked_at}"
    exceptions = contrast.lost_before + contrast.won_after
    if exceptions > contrast.looked_at / 4:
        return f"{won}, mixed all down its list: there is no rank where one ends and the other begins."
    aside = f", {count(exceptions, 'exception')} aside" if exceptions else ""
    if contrast.rivals_from is None:
        return f"{won}, down to the last{aside}."
    win = "win" if len(contrast.rivals) > 1 else "wins"
    return f"{won}; from rank {contrast.rivals_from:,} on {rivals} {win}{aside}."


def _on_likeness(pair: Likeness, queries: Sequence[QueryResult], images: int) -> Finding:
    asked = len(queries)
    if not pair.queries:
        return Finding("alike", (pair.a, pair.b), f"Cannot tell: {_why_unlike(pair, queries, images)}.")
    sentences = [*_on_overlap(pair), *_on_shared_firsts(pair), *_on_whole_lists(pair)]
    if pair.queries < asked:
        sentences.append(
            f"That is for {pair.queries:,} of {asked:,} queries: for the others one tells no pictures apart."
        )
    return Finding("alike", (pair.a, pair.b), " ".join(sentences))


def _why_unlike(pair: Likeness, queries: Sequence[QueryResult], images: int) -> str:
    """Why two rankings can't be compared for any query: one is none, or there is hardly a picture to rank."""
    level = [
        {name for name in (pair.a, pair.b) if query.stratification[name].verdict == "all equal"}
        for query in queries
        if {pair.a, pair.b} <= query.stratification.keys()
    ]
    if not all(level) or not level:
        return f"there {'is' if images == 1 else 'are'} only {count(images, 'picture')}"
    always = sorted(set.intersection(*level))
    if not always:
        return "for each query one of them gives all pictures the same score"
    give = "gives" if len(always) == 1 else "both give"
    return f"{' and '.join(always)} {give} all pictures the same score"


def _on_overlap(pair: Likeness) -> list[str]:
    """What they share among their first, after the word for it where the queries settle one."""
    if pair.shared is None or pair.by_chance is None or pair.overlap_p is None:
        return []
    luck = f"by luck: {_about(pair.by_chance)}"
    if pair.queries == 1:
        share = f"They share {pair.shared:.0f} of their first {pair.k} ({luck})"
        return [f"{share}, no more than luck explains." if pair.overlap_p > LUCK else f"{share}."]
    over = f"on average over {_queries(pair.queries)} ({luck})"
    share = f"of their first {pair.k} they share {pair.shared:.1f} {over}"
    if pair.words:
        return [f"{_in_words(pair.words)}: {share}."]
    if pair.overlap_p > LUCK:
        return [f"No more than luck explains: {share}."]
    return [f"{share[0].upper()}{share[1:]}; too few queries to put that in a word."]


def _in_words(words: Sequence[str]) -> str:
    return words[0].capitalize() if len(words) == 1 else f"Somewhere between {words[0]} and {words[-1]}"


def _on_shared_firsts(pair: Likeness) -> list[str]:
    if pair.first_interval is None:
        return []
    if pair.queries == 1:
        return [f"{'The same' if pair.first_shared else 'Another'} picture comes first."]
    low, high = pair.first_interval
    of = f"{pair.first_shared:,} of {_queries(pair.first_queries)}"
    return [f"Same first picture in {of} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)."]


def _on_whole_lists(pair: Likeness) -> list[str]:
    """Kendall's τ: of each query where they are few, otherwise on average."""
    if pair.tau is None or pair.tau_p is None:
        return []
    if pair.tau.low is None or pair.tau.high is None:
        shown = ", ".join(f"{tau:.2f}" for tau in pair.taus)
    else:
        shown = f"{pair.tau.mean:.2f} on average, 95 % {pair.tau.low:.2f} to {pair.tau.high:.2f}"
    luck = pair.tau_p > LUCK or (pair.tau.low is not None and pair.tau.low <= 0)
    agree = "no more than luck may explain" if luck else "more than by luck"
    return [f"Their whole lists agree {agree} (rank correlation {shown.replace('-', '−')}; 1: one order)."]


def _on_separation(pair: Separation) -> Finding:
    """How many times as far: a claim only where the test shows it, and never one about quality."""
    return Finding("break", (pair.a, pair.b), _how_far(pair))


def _how_far(pair: Separation) -> str:
    if pair.ratio is None:
        return "Cannot tell: there is no query with a drop in both lists."
    further, other, ratio = (
        (pair.a, pair.b, pair.ratio) if pair.ratio >= 1 else (pair.b, pair.a, 1 / pair.ratio)
    )
    rests_on = _queries(pair.queries)
    if pair.interval is not None:
        low, high = sorted(end if pair.ratio >= 1 else 1 / end for end in pair.interval)
        begins = f"{low:.2g}" if not 1 < low < 1.05 else f"{low:.3f}"  # where 1 is left out it is not shown
        rests_on += f", interval {begins} to {high:.2g}"
    stands = f"at the largest drop, {further}'s lists fall {ratio:.2g} times as far as {other}'s"
    if pair.verdict == "too few queries":
        return f"Too few queries to tell ({stands}; {rests_on})."
    if pair.verdict == "not seen":
        return f"No difference seen ({stands}; {rests_on})."
    shown = "shown" if pair.verdict == "shown" else "suggestive, not shown"
    return f"{stands[0].upper()}{stands[1:]} ({rests_on}: {shown}); that is not proof of better ranking."


def _on_breaks(name: str, queries: Sequence[QueryResult], images: int) -> Finding:
    rankings = [query.stratification[name] for query in queries]
    verdicts = [ranking.verdict for ranking in rankings]
    if "too few images" in verdicts and not {"break", "gradual"} & set(verdicts):
        return Finding("break", (name,), f"Cannot tell with {count(images, 'picture')}.")
    broken, empty = verdicts.count("break"), sum(ranking.stands_out == 0 for ranking in rankings)
    equal, few = verdicts.count("all equal"), verdicts.count("too few images")
    if equal == len(rankings):
        return Finding("break", (name,), "It gives all pictures the same score: there is nothing to cut.")
    if len(rankings) == 1:
        unsure = f"{PLACE_UNSURE}: " if rankings[0].unsure else ""
        text = f"Yes, {unsure}{place(rankings[0])}." if broken else "No clear break."
        return Finding("break", (name,), f"{text} No picture stands out." if empty else text)
    some = f"A break for {broken:,}" if broken else "No clear break for any"
    text = f"{some} of {_queries(len(verdicts) - equal - few)}"
    if nowhere_sure := sum(ranking.unsure for ranking in rankings):
        text += f", {PLACE_UNSURE} for {nowhere_sure:,}" if nowhere_sure < broken else f", {PLACE_UNSURE}"
    if few:
        text += f"; for {few:,} more there are too few pictures to tell"
    if equal:
        text += f"; for {equal:,} more it gives all pictures the same score"
    return Finding("break", (name,), f"{text}; for {empty:,} no picture stands out." if empty else f"{text}.")


def _on_quality(decisive: Sequence[PairedComparison]) -> list[Finding]:
    if not decisive:
        return [Finding("better", (), f"Cannot tell: nothing has been judged. {NO_PROOF}")]
    return [Finding("better", (), clause.sentence) for pair in decisive for clause in verdict_clauses(pair)]


def _queries(number: int) -> str:
    return count(number, "query", "queries")


def _about(number: float) -> str:
    return f"about {number:,.0f}" if number >= 0.5 else "less than 1"


def _ordinal(rank: int) -> str:
    if rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th") if rank % 100 not in {11, 12, 13} else "th"
    return f"{rank:,}{ending}"
