# %% [markdown]
# # Compare image embedders on your own pictures
#
# BADGE
#
# CLIP, Google's Vertex AI multimodal embeddings, or any other: ask with a text or a picture, and see side
# by side how each ranks, where its list breaks, how far they agree, and, once you have judged a few
# results, whether one is better.
#
# **In Colab**: *Runtime → Change runtime type → GPU* makes CLIP much faster; then fill in the fields and
# *Runtime → Run all*. **Without network or account** the notebook runs from top to bottom as it is, on
# drawn scenes and two small models that come with Diptych and know such scenes.
#
# *The outputs saved here are those of such a run offline: of the built-in models `mini-b` and `mini-s` on
# the built-in sample. They say nothing about CLIP or Vertex.*

# %%
# @title 1. Install { display-mode: "form" }
# @markdown Where from: `git+https://…`, or the path of a wheel or a folder. It may stay empty where Diptych is installed.
# @markdown Should Colab offer to restart the session afterwards, accept, and run this cell again.
install_from = "INSTALL_FROM"  # @param {type:"string"}

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

import diptych

in_colab = "google.colab" in sys.modules
if in_colab:  # results are long: let each show whole, in no frame of its own that scrolls
    from google.colab import output
    from IPython import get_ipython

    get_ipython().events.register("pre_run_cell", lambda *_: output.no_vertical_scroll())
print(f"Diptych is here; this is {'Colab' if in_colab else 'not Colab'}.")

# %% [markdown]
# ## Pictures
#
# - **the sample**: 120 drawn scenes, in the package.
# - **seven from Wikimedia Commons**: five dogs, a wolf and a cat, as in the
#   [notebook](https://blog.gdeltproject.org/a-python-notebook-for-comparing-multimodal-image-embedders-openais-clip-vs-googles-vertex-ai/)
#   that this one follows: of the same kinds, but not the same files. To compare on those, paste their
#   addresses from there. Three of them are thumbnails 640 or 1,200 pixels wide, which Wikimedia refuses
#   today; Diptych asks for the next larger width that there is.
# - **addresses**, one after the other, with blanks between; **a ZIP** that you upload; **a folder**, in
#   Colab also of a mounted Drive.
#
# Wikimedia serves only tools that name a contact, your e-mail or web page. Without one, *automatic* takes
# the sample.
#
# | file on Wikimedia Commons | by | licence |
# |---|---|---|
# | [Golden Retriever Carlos (10581910556).jpg](https://commons.wikimedia.org/wiki/File:Golden_Retriever_Carlos_(10581910556).jpg) | Dirk Vorderstraße | CC BY 2.0 |
# | [YellowLabradorLooking new.jpg](https://commons.wikimedia.org/wiki/File:YellowLabradorLooking_new.jpg) | Elf | CC BY-SA 3.0 |
# | [Border collie dog in the snow.jpg](https://commons.wikimedia.org/wiki/File:Border_collie_dog_in_the_snow.jpg) | Michelle Buntin | public domain |
# | [Chocolate Labrador Retriever pheasant.jpg](https://commons.wikimedia.org/wiki/File:Chocolate_Labrador_Retriever_pheasant.jpg) | see its page | see its page |
# | [Jumping dog Ryder.jpg](https://commons.wikimedia.org/wiki/File:Jumping_dog_Ryder.jpg) | TheGiantVermin | CC BY-SA 2.0 |
# | [Eurasian wolf 2.jpg](https://commons.wikimedia.org/wiki/File:Eurasian_wolf_2.jpg) | Mas3cf | CC BY-SA 4.0 |
# | [Felis catus-cat on snow.jpg](https://commons.wikimedia.org/wiki/File:Felis_catus-cat_on_snow.jpg) | Von.grzanka | CC BY-SA 3.0 |

# %%
# @title 2. Which pictures? { display-mode: "form" }
pictures = "automatic"  # @param ["automatic", "the sample", "seven from Wikimedia Commons", "addresses", "a ZIP", "a folder"]
contact = ""  # @param {type:"string"}
addresses = ""  # @param {type:"string"}
folder = ""  # @param {type:"string"}

import os

COMMONS = [
    f"https://commons.wikimedia.org/wiki/Special:FilePath/{name}?width=960"
    for name in (
        "Golden_Retriever_Carlos_(10581910556).jpg",
        "YellowLabradorLooking_new.jpg",
        "Border_collie_dog_in_the_snow.jpg",
        "Chocolate_Labrador_Retriever_pheasant.jpg",
        "Jumping_dog_Ryder.jpg",
        "Eurasian_wolf_2.jpg",
        "Felis_catus-cat_on_snow.jpg",
    )
]

if contact:
    os.environ["DIPTYCH_CONTACT"] = contact
if pictures == "automatic":
    pictures = "seven from Wikimedia Commons" if in_colab and contact else "the sample"
if pictures == "a ZIP":
    from google.colab import files

    source = next(iter(files.upload()))
elif pictures == "addresses":
    source = addresses.split()
else:
    source = {"the sample": "sample", "seven from Wikimedia Commons": COMMONS, "a folder": folder}[pictures]

collection = diptych.open_collection(source)
print(f"{len(collection.pictures)} pictures ({pictures}), {len(collection.skipped)} skipped")
for skipped in collection.skipped:
    print(f"  {skipped.name}: {skipped.reason}")

# %% [markdown]
# ## Embedders
#
# **CLIP** runs here, needs no account, and is downloaded once (`clip-ViT-L-14` is 1.7 GB). **Vertex AI**
# takes a Google Cloud project with billing and the Vertex AI API enabled (`docs/vertex.md` has the steps);
# the cell signs you in. Google retires the model on 2027-04-01. Without either, the built-in models are
# compared; a single one is set against `palette`, which knows colours and nothing else: the floor that a
# model must beat.
#
# `max_cost` holds the whole run: what would cost more US dollars is refused before anything is sent. Every
# vector is kept, so that nothing is computed or paid for twice, and a run that breaks off loses nothing.

# %%
# @title 3. Which embedders? { display-mode: "form" }
clip = "automatic"  # @param ["automatic", "clip-ViT-L-14", "clip-ViT-B-32", "none"]
project = ""  # @param {type:"string"}
max_cost = 0.10  # @param {type:"number"}

if clip == "automatic":
    clip = "clip-ViT-L-14" if in_colab else "none"
if project and in_colab:
    from google.colab import auth

    auth.authenticate_user()

embedders = [clip] if clip != "none" else []
if project:
    embedders.append(f"vertex?project={project}")
if not embedders:
    embedders = ["mini-b", "mini-s"]
    print(
        "Neither CLIP nor a project: the built-in models are compared. They know drawn scenes, not photographs."
    )
if len(embedders) == 1:
    embedders.append("palette")

bench = diptych.Workbench(collection, embedders, max_cost=max_cost)
print("To compare:", ", ".join(embedders))

# %% [markdown]
# ## What will it take?
#
# The four queries are those of the original. Nothing is sent yet.

# %%
QUERIES = ["dog with bird in its mouth", "golden retriever", "wolf", "dog"]

for estimate in bench.estimate(QUERIES):
    minutes = "unknown before a first run" if estimate.minutes is None else f"about {estimate.minutes:.1f}"
    print(f"{estimate.name}: {estimate.images} pictures to embed, {estimate.images_from_store} in the store;")
    print(f"    {estimate.calls} calls, ${estimate.dollars:.4f}, minutes: {minutes}")

# %% [markdown]
# ## Search with a text
#
# The first search embeds the pictures; the others only their text. The large figure, **z**, says how far a
# picture stands above what unrelated texts get on it, and may be compared between embedders; the cosine
# beneath it may not. A line joins a picture's two ranks. Where a list breaks, the break is drawn in it;
# "no clear break" and "none stands out" are answers too.

# %%
bench.search("horses" if source == "sample" else "wolf", k=10)

# %% [markdown]
# ## Search with a picture
#
# A path, the name of a picture of the collection, an array or a PIL image. Here: what `dog` finds first.

# %%
picture = ""  # @param {type:"string"}

first = next(iter(bench.compare(["dog"], k=1).queries[0].rankings.values()))[0]
bench.search(picture or first.image, k=10)

# %% [markdown]
# ## The four queries, and the three answers

# %%
result = bench.compare(QUERIES, k=8)
result

# %% [markdown]
# **Do they rank alike?** and **does a list break?** are answered from the scores. **Is one better?** is
# not: it takes your word on what is relevant.
#
# ## Judge a few results
#
# For each query, the names of the relevant pictures; `*` stands for anything. Of all pictures that an
# embedder has among its first hits, those that are named here count as relevant, the others as not. The
# patterns fit the sample and the seven from Commons: change them to fit your pictures, whose names stand
# beside the hits. (`diptych judge`, in a terminal, shows one picture at a time, without saying who found
# it.)

# %%
RELEVANT = {
    "dog with bird in its mouth": ["*pheasant*", "dog/dog-[456].webp"],
    "golden retriever": ["*Golden_Retriever*"],
    "wolf": ["wolf/*", "*wolf*"],
    "dog": ["dog/*", "*Retriever*", "*Labrador*", "*collie*", "*dog*"],
}

from fnmatch import fnmatch

from diptych.judgments.judgments import Judgments
from diptych.store.judgment import Judgment

judgments = Judgments(
    Judgment(
        query=query.query,
        image=hit.id,
        grade=int(any(fnmatch(hit.image, form) for form in RELEVANT[query.query])),
    )
    for query in result.queries
    for hit in {hit.id: hit for hits in query.rankings.values() for hit in hits}.values()
)
judged = bench.evaluate(QUERIES, k=8, judgments=judgments)
for query in judged.relevance.queries:
    print(f"{query.query}: {query.relevant} relevant, {query.irrelevant} not, {query.unjudged} not judged")
print()
for note in [*judged.relevance.verdicts, *judged.relevance.notes]:
    print(note)

# %% [markdown]
# Four queries are too few for a verdict, whatever they show: an embedder that wins on all four does so by
# chance one time in eight. Judge more queries, rather than more results of the same ones.
#
# ## A threshold
#
# The original found that Vertex's "stronger stratification" would suit filtering by a threshold. That can
# be measured: learn one threshold on all queries but one, apply it to that one. *Ranking loss* is what the
# order itself costs, *threshold loss* what is lost on top because one threshold has to do for all.
# `is_the_stratification_real.ipynb` goes further.


# %%
def figure(value):
    return "cannot tell" if value is None else f"{value:.2f}"


for name, thresholds in judged.relevance.thresholds.items():
    print(name)
    for scale, on_scale in {"cosine": thresholds.raw, "z": thresholds.z}.items():
        if on_scale is None:
            print(f"    on {scale}: none, {thresholds.why_no_z}")
            continue
        best, transfer = on_scale.best_f1, on_scale.transfer
        print(f"    on {scale}: best at {figure(best.value)}, with F1 {figure(best.f1)} on these judgments;")
        print(
            f"        ranking loss {figure(transfer.ranking_loss)}, threshold loss {figure(transfer.threshold_loss)}"
        )

# %% [markdown]
# ## Keep it
#
# The report is one HTML file with everything, to open or to send. The table is for pandas. The vectors are
# yours: `vectors:FILE` opens them again without the model.

# %%
from pathlib import Path

from diptych.present.files.export import write_export

judged.report("report.html")
write_export(judged, bench.vectors(QUERIES), Path("export"))
for path in [Path("report.html"), *sorted(Path("export").rglob("*.*"))]:
    print(f"{path}: {path.stat().st_size / 1024:,.0f} kB")

# %%
# @title Download them { display-mode: "form" }
download = False  # @param {type:"boolean"}

if download and in_colab:
    import shutil

    from google.colab import files

    files.download("report.html")
    files.download(shutil.make_archive("export", "zip", "export"))
else:
    print("Nothing was downloaded: tick the box in Colab; elsewhere the files are beside the notebook.")

# %%
result.to_dataframe().drop(columns="id").head(10)

# %% [markdown]
# ## And now
#
# Your own queries go into `QUERIES`. `bench.compare(["dog"], contrast=["wolf"])` sets a query against a
# rival: where dogs end and wolves begin. What every figure means: `docs/statistics.md`. On the command
# line: `diptych compare`.
