# %% [markdown]
# # Is the stratification real?
#
# BADGE
#
# A published
# [notebook](https://blog.gdeltproject.org/a-python-notebook-for-comparing-multimodal-image-embedders-openais-clip-vs-googles-vertex-ai/)
# compared CLIP and Vertex AI on seven pictures, by eye, and concluded: the two are nearly indistinguishable, but
# Vertex has the stronger score stratification, with breakpoints between relevant and irrelevant pictures, which
# would suit filtering by a threshold.
#
# That sentence says four things: that gaps **are there**, that they are **larger** for one, that they lie **between
# relevant and irrelevant**, and that **one threshold** would do. Each is looked at below on whatever embedders you
# have. "Cannot tell" is an answer.
#
# *The outputs saved here are of a run offline, on the built-in models and the built-in sample. They say nothing about
# Vertex, which was not asked. Where real CLIP vectors were at hand, the last step says so.*

# %%
# @title On what? { display-mode: "form" }
# @markdown A folder, a ZIP or `sample`; two embedders, such as `clip-ViT-L-14` and `vertex?project=MY-PROJECT`.
install_from = "INSTALL_FROM"  # @param {type:"string"}
source = "sample"  # @param {type:"string"}
embedders = "mini-b mini-s"  # @param {type:"string"}

import importlib.util
import subprocess
import sys

if importlib.util.find_spec("diptych") is None:
    if not install_from:
        raise SystemExit("Diptych is not installed: say above where to install it from.")
    extras = "[clip,pandas,vertex]"
    wanted = f"diptych{extras} @ {install_from}" if "://" in install_from else f"{install_from}{extras}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", wanted], check=True)
    importlib.invalidate_caches()
if "vertex" in embedders and "google.colab" in sys.modules:
    from google.colab import auth

    auth.authenticate_user()

import numpy as np
import pandas as pd

import diptych

bench = diptych.Workbench(source, embedders.split())
print(f"{len(bench.collection.pictures)} pictures; {', '.join(embedders.split())}")

# %% [markdown]
# ## 0. What chance does with seven pictures
#
# Draw seven scores from one smooth distribution, so that nothing separates any of them from the others, and look at
# the largest gap. How much of the whole fall from first to last is it? How often is it in the upper half, where it
# looks like a breakpoint?

# %%
draws = -np.sort(-np.random.default_rng(0).normal(size=(20_000, 7)), axis=1)
gaps = draws[:, :-1] - draws[:, 1:]
share = gaps.max(axis=1) / (draws[:, 0] - draws[:, -1])

print(
    f"Without any break, the largest of the gaps between seven scores is {np.median(share):.0%} of the fall,"
)
print(f"in one list in ten more than {np.quantile(share, 0.9):.0%}.")
print(f"It comes after one of the first three in {(gaps.argmax(axis=1) < 3).mean():.0%} of the lists.")

# %% [markdown]
# A gap of that size in a list of seven proves nothing, then. Diptych calls a gap a break only where lists without one
# have so large a gap in at most 5 % of cases; otherwise it says how often chance makes one like it.
#
# ## 1. Are there breaks?
#
# `QUERIES` are those that the sample comes with. For your own pictures, put your own there: twenty or more.

# %%
if source == "sample":
    QUERIES = list(diptych.samples.queries().values())
else:
    QUERIES = ["dog with bird in its mouth", "golden retriever", "wolf", "dog"]

result = bench.evaluate(QUERIES, k=10) if source == "sample" else bench.compare(QUERIES, k=10)
pd.DataFrame({name: s.verdicts for name, s in result.overall.stratification.items()}).fillna(0).astype(int)

# %% [markdown]
# ## 2. Are they larger for one?
#
# Cosines of two embedders are on different scales, so that their gaps can't be compared; gaps in **z** and as a **share of the
# fall** can. Beside each mean is its 95 % interval over the queries: where the intervals overlap widely, it can't be told.


# %%
def shown(interval):
    if interval.low is None:
        return f"{interval.mean:.2f}, cannot tell how sure"
    return f"{interval.mean:.2f}, {interval.low:.2f} to {interval.high:.2f}"


measured = {
    name: {"gap in z": shown(s.figures["z_gap"]), "share of the fall": shown(s.figures["gap_share"])}
    for name, s in result.overall.stratification.items()
}
pd.DataFrame(measured)

# %% [markdown]
# ## 3. Do they lie between relevant and irrelevant?
#
# This takes judgments. The sample's are true by construction; your own come from `diptych judge`, or from folders named for
# what they hold (`bench.evaluate(QUERIES, labels="folder")`). Of every list that breaks: the share of the pictures above the break
# that is relevant (precision), and the share of the relevant pictures that is above it (recall). Only breaks among the ten hits
# that were kept of each list can be looked at, and only where all above them are judged: *breaks* counts all, as in section 1,
# *looked at* those that the means are of.

# %%
judged = {query.query: query for query in result.relevance.queries} if result.relevance else {}
above = []
for query in result.queries:
    grades = judged[query.query].grades if query.query in judged else {}
    for name, ranking in query.stratification.items():
        if ranking.breakpoint is None:
            continue
        kept = query.rankings[name][: ranking.breakpoint]
        precision = recall = None
        if len(kept) == ranking.breakpoint and all(hit.id in grades for hit in kept):
            found = sum(grades[hit.id] > 0 for hit in kept)
            relevant = judged[query.query].relevant
            precision, recall = found / len(kept), found / relevant if relevant else None
        above.append({"embedder": name, "precision": precision, "recall": recall})

if any(one["precision"] is not None for one in above):
    lists = pd.DataFrame(above).astype({"precision": float, "recall": float}).groupby("embedder")
    table = lists.mean()
    table.insert(0, "breaks", lists.size())
    table.insert(1, "looked at", lists["precision"].count())
else:
    table = pd.DataFrame({"cannot tell": ["no list with a break has been judged"]})
table.round(2)

# %% [markdown]
# ## 4. Would one threshold do?
#
# A threshold that filters has to serve queries that nobody has looked at. So: learn it on all queries but one, apply it to that
# one, and so on. *Ranking loss* (0 to 1) is what is lost in any case, because irrelevant pictures stand among the relevant ones.
# *Threshold loss* is what is lost on top because one threshold has to do for all: this is the claim.

# %%
if result.relevance:
    rows = []
    for name, thresholds in result.relevance.thresholds.items():
        for scale, on_scale in {"cosine": thresholds.raw, "z": thresholds.z}.items():
            if on_scale is not None:
                transfer = on_scale.transfer
                rows.append(
                    [name, scale, len(transfer.queries), transfer.ranking_loss, transfer.threshold_loss]
                )
    table = pd.DataFrame(rows, columns=["embedder", "scale", "queries", "ranking loss", "threshold loss"])
else:
    table = pd.DataFrame({"cannot tell": ["nothing has been judged"]})
table.round(2)

# %% [markdown]
# And is one of them better at all? Over the queries, by nDCG@10:

# %%
if result.relevance:
    print("\n".join(result.relevance.verdicts))
else:
    print("Cannot tell: nothing has been judged.")

# %% [markdown]
# ## 5. On real CLIP vectors
#
# 100 photographs with five captions each, embedded by OpenAI's CLIP ViT-B/32. Half of the photographs are the collection; 50 captions of the
# others are the null bank; each caption of a photograph in the collection is a query with one relevant picture.
# This step needs files that are not part of the repository (`../shared/data/embeddings/clip_vitb32_flickr8k_pairs`).

# %%
from pathlib import Path

from diptych.analysis.standing import TextBackground
from diptych.thresholds.transfer import threshold_transfer

vectors = Path(diptych.__file__).parents[3] / "shared" / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
if not vectors.is_dir():
    print("The vectors are not here: this step was left out.")
else:
    ids = pd.read_csv(vectors / "metadata.csv")["image_id"]
    _, first, of_caption = np.unique(ids, return_index=True, return_inverse=True)
    images, texts = np.load(vectors / "image_embeddings.npy")[first], np.load(vectors / "text_embeddings.npy")
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(images))[: len(images) // 2])
    inside = np.isin(of_caption, chosen)
    bank = TextBackground(texts[rng.permutation(np.flatnonzero(~inside))[:50]] @ images[chosen].T)

    scores = texts[inside] @ images[chosen].T
    relevant = of_caption[inside][:, None] == chosen
    standings = [bank.stand(row) for row in scores]
    found_first = (scores.argmax(axis=1)[:, None] == np.arange(len(chosen)))[relevant]
    broken = np.array([one.stratification.breakpoint is not None for one in standings])
    clean = np.array([one.stratification.breakpoint == 1 for one in standings]) & found_first
    print(f"{len(scores)} captions, {len(chosen)} photographs:")
    print(f"  {found_first.mean():.0%} of the captions find their photograph first;")
    print(
        f"  {broken.mean():.0%} of the lists break; {clean.mean():.0%} right after the photograph, found first."
    )
    for scale, values in {"cosine": scores, "z": np.array([one.z for one in standings])}.items():
        transfer = threshold_transfer(list(values), list(relevant))
        print(
            f"  on {scale}: ranking loss {transfer.ranking_loss:.2f}, threshold loss {transfer.threshold_loss:.2f}"
        )

# %% [markdown]
# ## What may be said
#
# The cell below says it from the figures above, of the embedders that were compared here, and of no other.

# %%
names = list(result.overall.stratification)
breaks = [f"{name} {s.verdicts.get('break', 0)}" for name, s in result.overall.stratification.items()]
print(f"Breaks in {len(result.queries)} lists: {', '.join(breaks)}.")

intervals = [s.figures["z_gap"] for s in result.overall.stratification.values()]
apart = len(names) == 2 and None not in (intervals[0].low, intervals[1].low)
if apart and (intervals[0].low > intervals[1].high or intervals[1].low > intervals[0].high):
    print(f"Larger gaps in z: {names[int(intervals[1].low > intervals[0].high)]}.")
else:
    print("Larger gaps in z: cannot tell, the intervals overlap or are missing.")

if result.relevance:
    losses = {name: (t.z or t.raw).transfer.threshold_loss for name, t in result.relevance.thresholds.items()}
    known = [f"{name} {loss:.2f}" for name, loss in losses.items() if loss is not None]
    print(f"Lost because one threshold has to do: {', '.join(known) or 'cannot tell'}.")
else:
    print("Whether one threshold would do: cannot tell, nothing has been judged.")
if not any(name.startswith("vertex") for name in names):
    print("Whether Vertex's stratification is the stronger: cannot tell, Vertex was not asked.")
