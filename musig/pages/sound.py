"""Sound on a page: clips to play, and figures of what is in them.

A clip is an MP3 within the page itself, so it plays without a network, from a file, and wherever
the page is copied to; five seconds take about 20 kB.

Conventions
-----------
Sound is float, one channel, full scale at ±1, shape (n,), at `rate` Hz. Clips keep their level, for
loudness is part of what is heard; only what would be over full scale is turned down. Figures are
drawn as in :mod:`musig.pages.plots`: data first, ``ax=None``, ``(figure, axes)`` comes back.

Contents
--------
- :func:`player`: one clip to play; :func:`players`: some, side by side; :func:`middle`: a part.
- :func:`waveform`, :func:`spectrogram`: what is in a clip.
- :func:`pulse`: onsets and beats; :func:`levels`: loudness over time;
  :func:`pairs`: two tables of features against each other.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from musig.pages.style import DASHES, GREY, HEIGHT, PALETTE, WIDTH, new_axes, nothing
from musig.recordings import checked, resampled

RATE = 22_050
"""Samples a second of a clip on a page, Hz."""
FADE = 0.02
"""Seconds in which a clip comes and goes, so that its ends do not click."""
PEAK = 0.95
"""A clip that would go beyond this is turned down: the coder overshoots a little."""
QUIETEST = -80.0
"""Decibels below the loudest point at which a spectrogram ends."""
# librosa brings a progress bar for notebooks that warns where widgets are missing, and what a
# notebook writes to the error stream stops the book.
warnings.filterwarnings("ignore", message="IProgress not found")
_COMPRESSION = 0.8  # of soundfile: 40 kbit/s, of one channel


def middle(samples: np.ndarray, rate: int, seconds: float) -> np.ndarray:
    """Take a part of a recording from around its middle.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
    rate : int, Hz
    seconds : float, > 0
        All of a recording that is shorter.

    Returns
    -------
    ndarray of float, shape (m,)

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> middle(np.arange(10.0), rate=1, seconds=4).tolist()
    [3.0, 4.0, 5.0, 6.0]
    """
    wanted = min(len(samples), max(1, round(seconds * rate)))
    first = (len(samples) - wanted) // 2
    return samples[first : first + wanted]


def player(samples: np.ndarray, rate: int, label: str, seconds: float | None = None) -> HTML:
    """Make a clip that can be played on the page.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
        At its own level.
    rate : int, Hz
    label : str
        What is heard; stands over the clip and is read out by a screen reader.
    seconds : float, > 0, optional
        Only so much of it, from its middle; by default all.

    Returns
    -------
    IPython.display.HTML
        An ``audio`` element with its sound inside, and no script.

    Raises
    ------
    MusigError
        If there is nothing to hear, or something that is not sound.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> clip = player(np.zeros(22_050), 22_050, "one second of <silence>").data
    >>> "data:audio/mpeg;base64," in clip, "&lt;silence&gt;" in clip, "<script" in clip
    (True, True, False)
    """
    part = samples if seconds is None else middle(samples, rate, seconds)
    sound = base64.b64encode(_mp3(part, rate, label)).decode()
    text = escape(label)
    return HTML(
        '<figure style="margin:0 0 0.75rem;min-width:0;display:flex;flex-direction:column;'
        'justify-content:space-between">'
        f'<figcaption style="margin:0 0 0.25rem;text-align:left">{text}</figcaption>'
        f'<audio controls preload="metadata" aria-label="{text}" style="width:100%" '
        f'src="data:audio/mpeg;base64,{sound}"></audio></figure>'
    )


def players(clips: Sequence[tuple[str, np.ndarray, int]], seconds: float | None = None) -> HTML:
    """Put clips side by side, as many as there is room for.

    Parameters
    ----------
    clips : sequence of (str, ndarray, int)
        Label, samples and rate of each, as :func:`player` takes them.
    seconds : float, > 0, optional
        Only so much of each, from its middle.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> clip = np.zeros(800)
    >>> players([("left", clip, 8000), ("right", clip, 8000)]).data.count("<audio")
    2
    """
    each = "".join(str(player(sound, rate, label, seconds).data) for label, sound, rate in clips)
    columns = "repeat(auto-fill,minmax(min(100%,15rem),1fr))"
    return HTML(
        f'<div style="display:grid;grid-template-columns:{columns};gap:0 1.25rem">{each}</div>'
    )


def waveform(samples: np.ndarray, rate: int, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the pressure over time, as the range within each of 1200 columns.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
    rate : int, Hz
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> fig, ax = waveform(np.sin(np.arange(8000.0)), 8000)
    >>> ax.get_xlabel()
    'time (s)'
    """
    fig, ax = new_axes(ax, height=0.55 * HEIGHT)
    step = max(1, len(samples) // 1200)
    whole = samples[: len(samples) // step * step].reshape(-1, step)  # (columns, step)
    time = np.arange(len(whole)) * step / rate
    low, high = whole.min(axis=1), whole.max(axis=1)
    ax.fill_between(time, low, high, color=PALETTE[0], linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel="pressure", xlim=(0, len(samples) / rate))
    return fig, ax


def spectrogram(samples: np.ndarray, rate: int, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw how much energy there is at each time and frequency, in bands as wide as the ear's.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
    rate : int, Hz
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Ninety-six bands of the mel scale of Slaney's Auditory Toolbox (librosa), in decibels below the
    loudest point.
    Notebook: 02_audio_features

    Examples
    --------
    >>> fig, ax = spectrogram(np.sin(np.arange(8000.0)), 8000)
    >>> ax.get_ylabel()
    'frequency (Hz)'
    """
    import librosa  # slow to import, and so is the next

    from musig.signal_measures import compile_first

    compile_first()
    fig, ax = new_axes(ax, height=0.85 * HEIGHT)
    bands, hop = 96, 512
    power = librosa.feature.melspectrogram(
        y=np.asarray(samples, dtype=np.float32), sr=rate, n_fft=2048, hop_length=hop, n_mels=bands
    )  # (bands, frames)
    level = librosa.power_to_db(power, ref=np.max, top_db=-QUIETEST)
    image = ax.imshow(
        level, aspect="auto", origin="lower", cmap="magma", vmin=QUIETEST, vmax=0.0,
        extent=(0, len(samples) / rate, 0, bands), interpolation="nearest",
    )  # fmt: skip
    heard = [hertz for hertz in (250, 1000, 2000, 4000, 8000) if hertz < rate / 2]
    top = librosa.hz_to_mel(rate / 2)
    ax.set_yticks([bands * librosa.hz_to_mel(h) / top for h in heard], [f"{h:,}" for h in heard])
    ax.set(xlabel="time (s)", ylabel="frequency (Hz)")
    ax.grid(visible=False)
    fig.colorbar(image, ax=ax, label="dB", pad=0.02).outline.set_visible(False)
    return fig, ax


def pulse(
    strength: np.ndarray, beats: np.ndarray, frame: float, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw how strongly something begins at each moment, and where the beats were put.

    Parameters
    ----------
    strength : ndarray of float, shape (frames,)
        Onset strength.
    beats : ndarray of float, shape (n_beats,)
        In seconds.
    frame : float, seconds
        From one frame to the next.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> fig, ax = pulse(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.3]), frame=0.1)
    >>> len(ax.lines), len(ax.collections)
    (1, 1)
    """
    fig, ax = new_axes(ax, height=0.7 * HEIGHT)
    time = np.arange(len(strength)) * frame
    ax.plot(time, strength, color=PALETTE[0], linewidth=1.2, label="onset strength")
    top = float(strength.max()) if len(strength) and strength.max() > 0 else 1.0
    ax.vlines(
        beats, 0, top, color=PALETTE[1], linestyle=DASHES[2], linewidth=1.6, label="beats",
    )  # fmt: skip
    ax.set(xlabel="time (s)", ylabel="onset strength", xlim=(0, max(frame, len(strength) * frame)))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig, ax


def levels(
    blocks: pd.Series, lines: Mapping[str, float], ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the loudness of short blocks, and levels to compare them with.

    Parameters
    ----------
    blocks : Series of float
        Loudness; the index is the time in seconds. What is -inf, silence, is left out.
    lines : mapping of str to float
        Names and heights of horizontal lines.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> fig, ax = levels(pd.Series([-20.0, -30.0], index=[0.2, 0.3]), {"mean": -22.6})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['mean']
    """
    fig, ax = new_axes(ax, height=0.75 * HEIGHT)
    ax.set(xlabel="time (s)", ylabel="loudness (LUFS)")
    heard = blocks[np.isfinite(blocks)]
    if heard.empty:
        return nothing(fig, ax)
    ax.plot(heard.index.to_numpy(), heard.to_numpy(), ".", markersize=5, color=PALETTE[0])
    for n, (name, height) in enumerate(lines.items(), 1):
        ax.axhline(height, color=PALETTE[n], linestyle=DASHES[n], label=name)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig, ax


def pairs(
    across: pd.DataFrame, up: pd.DataFrame, names: Sequence[str], *, xlabel: str, ylabel: str
) -> tuple[Figure, np.ndarray]:
    """Draw each of nine features of some tracks as one table has it against another.

    Parameters
    ----------
    across, up : DataFrame
        The same index, one row a track; a column that is missing leaves its panel empty.
    names : sequence of str
        At most nine columns.
    xlabel, ylabel : str
        What the tables are.

    Returns
    -------
    Figure, ndarray of Axes, shape (3, 3)

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> table = pd.DataFrame({"energy": [0.1, 0.9], "tempo": [90.0, 120.0]})
    >>> fig, axes = pairs(table, table, ["energy", "tempo"], xlabel="planted", ylabel="recovered")
    >>> [ax.get_title() for ax in axes.flat[:2]]
    ['energy', 'tempo']
    """
    fig, axes = plt.subplots(3, 3, figsize=(WIDTH, 1.6 * HEIGHT))
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax, name in zip(axes.flat, names, strict=False):
        ax.set_title(name, size=10)
        if name not in across or name not in up:
            both = pd.DataFrame(columns=["x", "y"], dtype=float)
        else:
            both = pd.DataFrame({"x": across[name], "y": up[name]}).astype(float).dropna()
        if both.empty:
            nothing(fig, ax)
            ax.texts[0].set(text="not known", size=9)
            continue
        ax.scatter(both["x"], both["y"], s=7, color=PALETTE[0], alpha=0.6, linewidths=0)
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.tick_params(labelsize=8)
    fig.supxlabel(xlabel, color=GREY, size=11)
    fig.supylabel(ylabel, color=GREY, size=11)
    return fig, axes


def _mp3(samples: np.ndarray, rate: int, label: str) -> bytes:
    """Encode a clip at its own level, its ends faded."""
    sound = np.asarray(samples, dtype=np.float32)
    sound = resampled(checked(sound, f"the clip {label!r}"), rate, RATE).copy()
    fade = np.linspace(0.0, 1.0, min(round(FADE * RATE), len(sound) // 2), dtype=np.float32)
    if len(fade):
        sound[: len(fade)] *= fade
        sound[-len(fade) :] *= fade[::-1]
    sound *= PEAK / max(PEAK, float(np.abs(sound).max(initial=0.0)))
    file = io.BytesIO()
    soundfile.write(
        file, sound, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=_COMPRESSION
    )
    return file.getvalue()
