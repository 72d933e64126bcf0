"""Skip-gram with negative sampling: vectors for what appears side by side.

Mikolov, Sutskever, Chen, Corrado, Dean: Distributed Representations of Words and Phrases and their
Compositionality, NIPS 2013, by gensim. A sentence is a list of tracks: a playlist (Track2Vec) or a
random walk (Node2Vec).

Conventions
-----------
Tracks are positions. One worker: the same settings, seed and versions give the same bits, whatever
Python's hash seed is, since nothing is hashed but integers. Sentences are asked for anew in every
pass, so that they need not all be in memory and need not be the same in each.

Contents
--------
SkipGram: the settings, checked. skipgram: trains.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

import numpy as np
from tqdm import tqdm

from musig.errors import MusigError

LONGEST = 10_000
"""Tracks of the longest sentence that gensim takes whole."""

Sentences = Callable[[int], Iterable[np.ndarray]]
"""Gives the sentences of a pass, numbered from 0: arrays of int, the same number in each pass."""


@dataclass(frozen=True)
class SkipGram:
    r"""Settings of the skip-gram model.

    Parameters
    ----------
    dimension : int >= 1
        Numbers in a vector.
    window : int >= 1, optional
        A pair is two tracks at most this far apart; for each place the distance is drawn from 1 to
        `window`, so that nearer tracks count more. None: all pairs of a sentence, each once.
    epochs : int >= 1
        Passes over the sentences.
    negative : int >= 1
        Tracks drawn against each pair.
    ns_exponent : float
        Negatives are drawn in proportion to :math:`\mathrm{count}^a`: 1 as often as they occur, 0
        all alike, below 0 the rare ones more often.
    sample : float >= 0
        Of a track that makes up a share :math:`f` of all entries about
        :math:`\sqrt{\mathrm{sample} / f}` are kept; 0 keeps everything.
    alpha : float > 0
        Learning rate at the start; it falls linearly to 1/250 of it.

    Raises
    ------
    MusigError
        If a setting is out of its range.

    Notes
    -----
    For recommendation these matter more than for language (Caselles-Dupré, Lesaint, Royo-Letelier:
    Word2Vec Applied to Recommendation: Hyperparameters Matter, RecSys 2018). The defaults suit a
    few thousand playlists, which word2vec's own (a window of 5, 5 epochs, an exponent of 0.75, a
    rate of 0.025) leave half learned: they were made for long texts.

    Notebook: 07_methods

    Examples
    --------
    >>> SkipGram(window=None).negative
    5
    """

    dimension: int = 32
    window: int | None = 3
    epochs: int = 40
    negative: int = 5
    ns_exponent: float = -0.5
    sample: float = 0.0
    alpha: float = 0.1

    def __post_init__(self) -> None:
        for name, least in (("dimension", 1), ("window", 1), ("epochs", 1), ("negative", 1)):
            value = getattr(self, name)
            if name == "window" and value is None:
                continue
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < least:
                hint = ", or None for the whole sentence" if name == "window" else ""
                raise MusigError(
                    f"Parameter {name} is {value}; expected a whole number, at least {least}{hint}."
                )
        if not -inf < self.ns_exponent < inf:
            raise MusigError(
                f"Parameter ns_exponent is {self.ns_exponent}; expected a number such as 0.75 or"
                " -0.5."
            )
        if not 0 <= self.sample < 1:
            raise MusigError(
                f"Parameter sample is {self.sample}; expected a share of all entries from 0 (keep"
                " everything) to below 1, such as 0.001."
            )
        if not 0 < self.alpha < inf:
            raise MusigError(
                f"Parameter alpha is {self.alpha}; expected a learning rate above 0, such as 0.025."
            )


def skipgram(
    sentences: Sentences,
    n_tracks: int,
    settings: SkipGram | None = None,
    *,
    seed: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """Train vectors of tracks such that those which appear together point the same way.

    Parameters
    ----------
    sentences : callable
        Called with the number of a pass, from 0; returns an iterable of int arrays. Pass 0 is read
        twice: what is counted there makes the chances of negatives and of subsampling.
    n_tracks : int
        Rows of the result.
    settings : SkipGram, optional
    seed : int >= 0
        Of the first vectors, of windows, negatives and subsampling.
    progress : bool
        A bar over the passes where standard error is a terminal.

    Returns
    -------
    ndarray of float32, shape (n_tracks, dimension)
        Zeros for tracks that are never in a sentence with another.

    Raises
    ------
    MusigError
        If the seed is negative.

    Notes
    -----
    Mikolov et al. 2013; the vectors are the input vectors, as usual. A sentence of more than
    10,000 entries is trained in pieces of this length.

    Notebook: 07_methods

    Examples
    --------
    >>> lists = [np.array([0, 1, 2]), np.array([3, 4, 5]), np.array([6])] * 100
    >>> v = skipgram(lambda epoch: lists, 7, SkipGram(dimension=8, epochs=20, alpha=0.1))
    >>> bool(v[0] @ v[1] > v[0] @ v[3]), bool(v[6].any())
    (True, False)
    """
    from gensim.models import Word2Vec  # takes a second to import

    settings = settings or SkipGram()
    if seed < 0:
        raise MusigError(f"Parameter seed is {seed}; expected a whole number, 0 or more.")
    counts, n_sentences = np.zeros(n_tracks, dtype=np.int64), 0
    for sentence in _pieces(sentences(0)):
        np.add.at(counts, sentence, 1)
        n_sentences += 1
    vectors = np.zeros((n_tracks, settings.dimension), dtype=np.float32)
    n_entries = int(counts.sum())
    if not n_entries:
        return vectors
    seen = np.flatnonzero(counts)
    model = Word2Vec(
        sg=1,
        vector_size=settings.dimension,
        window=settings.window or LONGEST,
        shrink_windows=settings.window is not None,
        negative=settings.negative,
        ns_exponent=settings.ns_exponent,
        sample=settings.sample,
        alpha=settings.alpha,
        min_alpha=settings.alpha / 250,
        seed=int(np.random.SeedSequence(seed).generate_state(1)[0]),  # gensim's has 32 bits
        workers=1,
        min_count=1,
        sorted_vocab=0,  # in the order of positions: ties in counts fall alike everywhere
        batch_words=max(1, min(LONGEST, n_entries // 100)),  # the rate falls by small steps
    )
    with _quiet():
        model.build_vocab_from_freq(dict(zip(seen.tolist(), counts[seen].tolist(), strict=True)))
        model.train(
            _Passes(sentences, settings.epochs, progress),
            total_examples=n_sentences,
            total_words=n_entries,
            epochs=settings.epochs,
        )
    vectors[seen] = model.wv.vectors
    return vectors


class _Passes:
    """What gensim reads: every time it starts over, the next pass."""

    def __init__(self, sentences: Sentences, epochs: int, progress: bool) -> None:
        self.sentences = sentences
        self.next = 0
        self.bar = tqdm(
            total=epochs, desc="skip-gram", unit="pass", disable=None if progress else True
        )

    def __iter__(self) -> Iterator[list[int]]:
        for sentence in _pieces(self.sentences(self.next)):
            yield sentence.tolist()
        self.next += 1
        self.bar.update()
        if self.next == self.bar.total:
            self.bar.close()


def _pieces(sentences: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Cut what is too long and leave out tracks without company, which have no pair to learn."""
    for sentence in sentences:
        for start in range(0, len(sentence), LONGEST):
            piece = sentence[start : start + LONGEST]
            if len(piece) > 1:
                yield piece


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep gensim from warning that a small data set is small."""
    log = logging.getLogger("gensim")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
