"""The steps from playlists to an evaluation, each done once and timed.

What grows with a data set, and how fast, is seen by doing the same at several sizes:
``benchmarks/growth.py`` does, in a process for each; what follows from the times is in
:mod:`musig.scaling`.

Conventions
-----------
Times are seconds of all threads of the process (``cpu``), and of the clock (``wall``).

Contents
--------
- :data:`STEPS`; :class:`Spent`, :func:`measure`: do the steps and time them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from musig.catalog import Catalog, universe

STEPS = ("read", "graph", "prepare", "begin", "epoch", "evaluate")
"""Read a catalogue; count its graph; prepare what a training sees, the graph again among it; begin
a training, with the first of its steps; one epoch; evaluate on every test playlist."""


@dataclass
class Spent:
    """What a step took; filled when it is over."""

    step: str
    cpu: float = float("nan")
    """Seconds of all threads of the process."""
    wall: float = float("nan")
    """Seconds on the clock."""


@contextmanager
def _timed(step: str) -> Iterator[Spent]:
    spent = Spent(step)
    wall, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent.cpu, spent.wall = time.process_time() - cpu, time.perf_counter() - wall


def measure(
    load: Callable[[], Catalog],
    *,
    min_playlists: int = 3,
    min_weight: int = 2,
    embedding_size: int = 128,
    hops: int = 2,
    seed: int = 0,
    device: str = "cpu",
    watch: Callable[[str], AbstractContextManager[Any]] = _timed,
) -> dict[str, Any]:
    """Do each step once, from a catalogue to an evaluation of MUSIG after one epoch.

    Parameters
    ----------
    load : callable
        Gives the catalogue; it is the step ``read``.
    min_playlists, min_weight : int, >= 0
        Of the universe and of the graph.
    embedding_size, hops : int, > 0
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}
        Where the epoch runs.
    watch : callable
        Called with the name of each step; what it gives surrounds the step. By default it takes
        the time.

    Returns
    -------
    dict
        ``entries``; ``pairs`` of tracks in the playlists; ``universe``, its tracks; ``edges``;
        ``way``, full or sampled steps; ``measured``, by step what `watch` gave.

    Raises
    ------
    MusigError
        If the data are too small to be split, or have no edge.

    Notes
    -----
    Eight playlists in ten train, one in ten is evaluated.
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> found = measure(lambda: make("smoke"), embedding_size=8)
    >>> found["entries"] > found["universe"], list(found["measured"]) == list(STEPS)
    (True, True)
    """
    import torch  # seconds to import, and not needed to read what was measured

    from musig.completion import EmbeddingScorer, evaluate, holdout
    from musig.device import fabric as open_fabric
    from musig.device import step_generator
    from musig.features import known_groups
    from musig.graph import music_graph, to_csr
    from musig.splits import split_playlists
    from musig.train import Network, TrainConfig, default_tasks, steps_an_epoch, steps_for
    from musig.training_data import prepare

    place = open_fabric(device, "32").device
    measured: dict[str, Any] = {}

    def train(net: Network, optimiser: torch.optim.Optimizer, numbers: range) -> None:
        for number in numbers:
            losses = net(step_generator(seed, number, place))
            optimiser.zero_grad()
            sum(net.weights[name] * loss for name, loss in losses.items()).backward()
            optimiser.step()

    with watch("read") as measured["read"]:
        catalog = load()
    split = split_playlists(catalog, seed)
    with watch("graph") as measured["graph"]:
        tracks = universe(catalog, split.train, min_playlists)
        playlists = catalog.restrict(tracks).playlists.subset(split.train)
        csr = to_csr(music_graph(playlists, len(tracks), min_weight))
        edges = len(csr.indices) // 2
        del playlists, csr
    with watch("prepare") as measured["prepare"]:
        data = prepare(
            catalog, split, min_playlists=min_playlists, min_weight=min_weight, seed=seed
        )
    known = known_groups(data.catalog.tracks)
    sound = bool({"AUDIO", "ACOUSTIC"} & set(known))
    config = TrainConfig(
        embedding_size=embedding_size,
        hops=hops,
        weight_similarity=0.5 * sound,  # a task that the data cannot teach is left out
        weight_genre=0.5 * ("GENRE" in known),
        seed=seed,
        device=device,
    )
    with torch.random.fork_rng(), watch("begin") as measured["begin"]:
        torch.manual_seed(seed)
        net = Network(data, config, default_tasks(data, config))
        net.to(place)
        net.place_graph(data, place)
        optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
        train(net, optimiser, range(1))
    with watch("epoch") as measured["epoch"]:
        train(net, optimiser, range(1, 1 + steps_an_epoch(config, data)))
    with watch("evaluate") as measured["evaluate"]:
        scorer = EmbeddingScorer("musig", net.embed())
        held = holdout(catalog, tracks, split.test, seed=seed)
        evaluate(scorer, held, data.catalog, split=split, device=place).summary()
    lengths = catalog.playlists.lengths
    return {
        "entries": len(catalog.playlists.tracks),
        "pairs": int((lengths * (lengths - 1) // 2).sum()),
        "universe": len(tracks),
        "edges": edges,
        "way": steps_for(config, data),
        "measured": measured,
    }
