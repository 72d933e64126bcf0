"""Ten tracks that a reader can follow by hand: eight playlists, three genres, two numbers a track.

The method runs on them through the same functions as on every other data set. What is made up is
small enough to be checked on paper: weights can be counted, features are whole numbers once they
are standardised, an embedding is a point of the unit circle, and the batches are named.

Conventions
-----------
Tracks are called by the letters A to J, which are positions 0 to 9. The nine audio features are all
there; only energy and tempo differ between the tracks, so only these two are attributes. The
tracks, their artists and their playlists are synthetic.

Contents
--------
- :func:`catalog`: tracks and playlists; :func:`example`: what a training sees of them;
  :func:`table`: the tracks in words; :func:`letters`: names as positions.
- :func:`weights`: the graph as a table; :func:`picture`: the graph as a figure.
- :func:`encoder`, :func:`tasks`, :func:`batches`: the model, with numbers that are easy to follow.
- :func:`step`: one step of gradient descent for each task and for their sum; :func:`arrows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.catalog import FEATURES, Catalog
from musig.pages import charts
from musig.playlists import Playlists

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from musig.graph import CSR
    from musig.model import Encoder
    from musig.tasks import Batch, Task
    from musig.training_data import TrainingData

LETTERS = "ABCDEFGHIJ"
PLAYLISTS = ("ABC", "ABCEG", "ABD", "CEG", "EFG", "EFGH", "HIJ", "DHIJ")
"""Who is with whom: all that the music graph knows."""
TRACKS = (
    ("Amber Road", "The Lantern Makers", "folk", -1, 0),
    ("Birch and Bone", "Sallow Lane", "folk", -1, 1),
    ("Cradle Hill", "Ada Thorne", "folk", -1, -1),
    ("Drover's Reel", "Kettle & Crow", "folk", 0, 1),
    ("Evening Train", "Noor Quartet", "jazz", 0, 0),
    ("Foghorn", "Miles Apart", "jazz", 0, -2),
    ("Grey Harbour", "Lena Voss Trio", "jazz", -1, -1),
    ("Hard Reset", "Null Island", "techno", 1, 0),
    ("Ignition", "Kilohertz", "techno", 1, 1),
    ("Jump Cut", "Strobe District", "techno", 2, 1),
)
"""Title, artist, genre, and energy and tempo in standard deviations from the mean."""
SCALES = {"energy": (0.5, 0.2), "tempo": (120.0, 20.0)}
"""Mean and standard deviation of the features that differ."""
LIKE_ALL = {"loudness": -10.0}
"""The other features of every track; 0.5 where nothing is said."""
PLACES = (
    (-1.8, 0.55), (-1.2, 1.35), (-0.8, 0.35), (0.35, 1.35), (-0.3, -0.5),
    (0.35, -1.4), (-1.1, -1.2), (0.8, 0.05), (1.8, 0.75), (1.7, -0.65),
)  # fmt: skip
"""Where the picture has the tracks; only to look at."""
MIN_WEIGHT = 1
BATCHES = {"cooccurrence": ("AGH", "BEI"), "similarity": ("CA", "GJ"), "genre": ("DG",)}
"""A batch of each task: anchors and their positives; first and second tracks of pairs; tracks."""


def letters(word: str) -> list[int]:
    """Turn letters into positions.

    Parameters
    ----------
    word : str
        Of :data:`LETTERS`.

    Returns
    -------
    list of int

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> letters("ACE")
    [0, 2, 4]
    """
    return [LETTERS.index(letter) for letter in word]


def catalog(playlists: Sequence[str] = PLAYLISTS) -> Catalog:
    """Make the ten tracks and their playlists a data set like any other.

    Parameters
    ----------
    playlists : sequence of str
        A word a playlist.

    Returns
    -------
    Catalog

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> ten = catalog()
    >>> ten.n_tracks, len(ten.playlists), ten.playlists[2].tolist()
    (10, 8, [0, 1, 3])
    """
    columns = ["name", "artist", "main_genre", "energy", "tempo"]
    tracks = pd.DataFrame(TRACKS, columns=columns, index=pd.Index([*LETTERS], name="track_id"))
    for feature in FEATURES:
        if feature in SCALES:
            mean, deviation = SCALES[feature]
            tracks[feature] = mean + deviation * tracks[feature]
        else:
            tracks[feature] = LIKE_ALL.get(feature, 0.5)
    lists = Playlists.from_lists([letters(word) for word in playlists], names=[*playlists])
    return Catalog(tracks, lists, name="ten tracks")


def example(min_weight: int = MIN_WEIGHT) -> TrainingData:
    """Prepare the ten tracks for a training, with energy and tempo as their only attributes.

    Parameters
    ----------
    min_weight : int, >= 0
        Edges of this weight or less are dropped.

    Returns
    -------
    TrainingData
        All playlists train, and all tracks supervise.

    Notes
    -----
    The attributes are those of :func:`musig.features.fit_attributes`, of which the columns that
    are the same for all tracks are left out.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> ten = example()
    >>> ten.attributes.x[letters("FJ")].round(3).tolist()
    [[0.0, -2.0], [2.0, 1.0]]
    """
    from musig.completion import holdout
    from musig.features import Attributes, fit_attributes
    from musig.graph import music_graph, to_csr
    from musig.splits import Split
    from musig.training_data import TrainingData

    ten = catalog()
    everything, every = np.arange(len(ten.playlists)), np.arange(ten.n_tracks)
    fitted = fit_attributes(ten.tracks, ("AUDIO",))
    kept = [fitted.columns.index(name) for name in SCALES]
    return TrainingData(
        catalog=ten,
        split=Split(everything, everything[:0], everything[:0], seed=0, name="all train"),
        csr=to_csr(music_graph(ten.playlists, ten.n_tracks, min_weight)),
        attributes=Attributes(fitted.x[:, kept], tuple(SCALES), {}, {}),
        held_out=np.zeros(ten.n_tracks, dtype=bool),
        valid=holdout(ten, every, everything, seed=0),
        settings={"min_weight": min_weight},
    )


def table(ten: TrainingData) -> pd.DataFrame:
    """List the ten tracks with their features, as measured and as standardised.

    Parameters
    ----------
    ten : TrainingData
        Of :func:`example`.

    Returns
    -------
    DataFrame
        One row a track; ``x`` holds its attributes, on one line.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    tracks = ten.catalog.tracks
    shown = pd.DataFrame({"track": tracks.index, "genre": [*tracks["main_genre"]]})
    shown["energy"] = [f"{value:.1f}" for value in tracks["energy"]]
    shown["tempo (bpm)"] = [f"{value:.0f}" for value in tracks["tempo"]]
    shown["x"] = [f"({a:.0f},\u00a0{b:.0f})" for a, b in ten.attributes.x.round() + 0.0]
    return shown


def weights(csr: CSR) -> np.ndarray:
    """Write a small graph as a full table.

    Parameters
    ----------
    csr : CSR

    Returns
    -------
    ndarray of float64, shape (n, n)
        0 where there is no edge.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> weights(example().csr)[letters("G")].tolist()
    [[0.0, 0.0, 2.0, 0.0, 4.0, 2.0, 0.0, 0.0, 0.0, 0.0]]
    """
    full = np.zeros((csr.n_rows, csr.n_cols))
    rows = np.repeat(np.arange(csr.n_rows), csr.degree.numpy())
    full[rows, csr.indices.numpy()] = csr.weight.numpy()
    return full


def picture(counted: np.ndarray, min_weight: int = 0) -> tuple[Figure, object]:
    """Draw the graph of the ten tracks.

    Parameters
    ----------
    counted : ndarray, shape (10, 10)
        Weights.
    min_weight : int
        Edges of this weight or less are dashed.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 04_music_graph
    """
    genres = [genre for _, _, genre, _, _ in TRACKS]
    places, counted = np.array(PLACES), np.asarray(counted, dtype=int)
    return charts.small_graph(counted, LETTERS, min_weight=min_weight, places=places, groups=genres)


def encoder() -> Encoder:
    """Make an aggregator of one hop whose weights say: own attributes plus what was heard.

    Returns
    -------
    Encoder
        Two numbers in, two out; both matrices are the identity and the bias is zero.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    import torch

    from musig.model import Encoder

    made = Encoder(n_attributes=2, embedding_size=2, hops=1)
    hop = made.hop(0)
    with torch.no_grad():
        hop.own.weight.copy_(torch.eye(2))
        hop.own.bias.zero_()
        hop.neighbours.weight.copy_(torch.eye(2))
    return made


def tasks(ten: TrainingData) -> dict[str, Task]:
    """Make the three tasks of :mod:`musig.tasks`, their own weights set to small whole numbers.

    Parameters
    ----------
    ten : TrainingData
        Of :func:`example`.

    Returns
    -------
    dict of str to Task
        Co-occurrence with a temperature of one half; similarity with P the identity; genre with a
        direction each for folk, jazz and techno.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    import torch

    from musig.tasks import CoOccurrence, Genre, Similarity

    similar = Similarity(ten, embedding_size=2, on="audio", projection=2)
    genre = Genre(ten, embedding_size=2, hide=False)
    with torch.no_grad():
        similar.project["AUDIO"].weight.copy_(torch.eye(2))  # type: ignore[operator]
        genre.classify.weight.copy_(torch.tensor([[-1.0, 1.0], [-1.0, -1.0], [1.0, 0.0]]))
        genre.classify.bias.zero_()
    made: tuple[Task, ...] = (CoOccurrence(ten, temperature=0.5), similar, genre)
    return {task.name: task for task in made}


def batches() -> dict[str, Batch]:
    """Make the batch of each task that is worked out by hand: :data:`BATCHES`.

    Returns
    -------
    dict of str to Batch

    Notes
    -----
    Notebook: 05_multitask_training
    """
    import torch

    from musig.tasks import Batch

    return {name: Batch(torch.tensor(letters("".join(words)))) for name, words in BATCHES.items()}


@dataclass(frozen=True, eq=False)
class Steps:
    """What one step does, for each task alone and for their sum."""

    before: np.ndarray
    """float32, shape (10, 2): embeddings before."""
    after: dict[str, np.ndarray]
    """Embeddings after the step on a task's loss, and on the weighted ``sum``."""
    losses: pd.DataFrame
    """A row a step, ``before`` first; a column a task, and the weighted ``sum``."""


def step(
    ten: TrainingData, made: Mapping[str, Task], parts: Mapping[str, float], rate: float
) -> Steps:
    """Take one step of gradient descent from :func:`encoder`, for each task and for the sum.

    Parameters
    ----------
    ten : TrainingData
        Of :func:`example`.
    made : mapping of str to Task
        Of :func:`tasks`; their own weights stay as they are.
    parts : mapping of str to float
        The weight of each task in the sum. A task's own step is on its weighted loss.
    rate : float, > 0
        The aggregator's weights move by the gradient times so much.

    Returns
    -------
    Steps

    Notes
    -----
    Plain gradient descent on :func:`batches`; the trainings of the book use Adam.
    Notebook: 05_multitask_training
    """
    import torch

    from musig.sampling import full_blocks

    x, blocks, drawn = torch.from_numpy(ten.attributes.x), full_blocks(ten.csr, 1), batches()

    def losses_of(z: Tensor) -> dict[str, Tensor]:
        found = {name: made[name].loss(z, drawn[name].nodes, drawn[name]) for name in made}
        return found | {"sum": sum((parts[n] * loss for n, loss in found.items()), torch.zeros(()))}

    start = encoder()
    z = start(x, blocks)
    lines = {"before": {name: loss.item() for name, loss in losses_of(z).items()}}
    after = {}
    for name in [*made, "sum"]:
        moved = encoder()
        loss = parts.get(name, 1.0) * losses_of(moved(x, blocks))[name]
        numbers = list(moved.parameters())
        with torch.no_grad():
            for number, gradient in zip(numbers, torch.autograd.grad(loss, numbers), strict=True):
                number.sub_(rate * gradient)
            new = moved(x, blocks)
            lines[name] = {each: value.item() for each, value in losses_of(new).items()}
        after[name] = new.numpy()
    return Steps(z.detach().numpy(), after, pd.DataFrame(lines).T)


def arrows(taken: Steps, titles: Mapping[str, str]) -> tuple[Figure, np.ndarray]:
    """Draw how each step moved the ten embeddings.

    Parameters
    ----------
    taken : Steps
        Of :func:`step`.
    titles : mapping of str to str
        What to write in the circle of each step.

    Returns
    -------
    Figure, ndarray of Axes

    Notes
    -----
    Notebook: 05_multitask_training
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(2, 2, figsize=(5.6, 6.2))
    genres = [genre for _, _, genre, _, _ in TRACKS]
    for ax, (name, new) in zip(axes.flat, taken.after.items(), strict=True):
        charts.moves(taken.before, new, LETTERS, genres, ax, title=titles[name])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return fig, axes
