"""Training by several processes, on one machine or many, as ``torchrun`` starts them.

Every process holds the data and draws the same batch. What takes the time is shared: a process
gathers and embeds its part of the tracks of a step, hands the embeddings around, and from then on
all compute the same loss. So a step is that of one process with the same batch, to rounding, and a
training may be begun by one process and gone on with by four.

Conventions
-----------
A *share* is what one process embeds: in sampled steps an equal number of the batch's tracks, in
full steps tracks that together have an equal part of the edges. All processes must see the same
data and, to go on after a stop, the same MODEL folder: on several machines, a shared one. Where one
is lost, ``torchrun --max-restarts`` starts all of them anew, and they go on from the last
checkpoint.

Contents
--------
- :func:`train_together`: :func:`musig.train.train`, alone or with others.
- :func:`processes`, :func:`is_first`: what ``torchrun`` said; :func:`open_shared`: the devices.
- :func:`require_shareable`: what several processes cannot train.
- :class:`SharedNetwork`, of :func:`gather` and :func:`part_of`.
"""

from __future__ import annotations

import atexit
import inspect
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from musig.device import fabric as open_fabric
from musig.errors import MusigError
from musig.modelfolder import Trained
from musig.sampling import Block, full_blocks, sample_blocks
from musig.tasks import Task
from musig.thinning import thinned
from musig.train import Network, TrainConfig, train
from musig.training_data import TrainingData


def processes() -> int:
    """How many processes ``torchrun`` started; 1 without it.

    Returns
    -------
    int

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> processes()
    1
    """
    launched = distributed.is_available() and distributed.is_torchelastic_launched()
    return int(os.environ["WORLD_SIZE"]) if launched else 1


def is_first() -> bool:
    """Whether this process is the one that writes and prints.

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> is_first()
    True
    """
    return processes() == 1 or int(os.environ["RANK"]) == 0


def train_together(
    data: TrainingData,
    config: TrainConfig,
    folder: Path | str,
    tasks: Sequence[tuple[Task, float]] | None = None,
    progress: bool = True,
) -> Trained:
    """Train MUSIG, with the other processes if ``torchrun`` started several.

    Parameters
    ----------
    data : TrainingData
        The same in every process.
    config : TrainConfig
        The same in every process; `batch_size` is that of all together.
    folder : path
        The MODEL folder; the first process writes it, all read it.
    tasks, progress
        As for :func:`musig.train.train`.

    Returns
    -------
    Trained
        In every process.

    Raises
    ------
    MusigError
        If the settings are none that processes can share, another process is lost, or as for
        :func:`musig.train.train`.

    Notes
    -----
    One process is :func:`musig.train.train` itself. Each process holds the whole graph: several
    make a training faster, not larger.
    Notebook: 15_speed_and_scale
    """
    number = processes()
    if number == 1:
        return train(data, config, folder, tasks, progress)
    require_shareable(config, number)
    fabric = open_shared(config.device, config.precision)
    try:
        return train(data, config, folder, tasks, progress, SharedNetwork, fabric)
    except RuntimeError as error:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            raise
        raise MusigError(
            "Another process was lost or no longer answers: torchrun starts all of them anew as "
            f"often as --max-restarts allows, and they go on from the last checkpoint in {folder}; "
            "so does the same command, given again."
        ) from error


def require_shareable(config: TrainConfig, number: int) -> None:
    """Refuse settings that several processes cannot train.

    Parameters
    ----------
    config : TrainConfig
    number : int, >= 1
        Of processes.

    Raises
    ------
    MusigError
        If `number` does not divide the batch, or a step needs more than one backward pass.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> require_shareable(TrainConfig(batch_size=1000), 3)
    Traceback (most recent call last):
    musig.errors.MusigError: batch_size is 1000, which 3 processes cannot share evenly: set it to \
a multiple of 3, such as 1002, or start another number of processes.
    """
    if config.batch_size % number:
        fitting = config.batch_size + -config.batch_size % number
        raise MusigError(
            f"batch_size is {config.batch_size}, which {number} processes cannot share evenly: set "
            f"it to a multiple of {number}, such as {fitting}, or start another number of "
            "processes."
        )
    if number > 1 and config.balance == "surgery":
        raise MusigError(
            f"balance is 'surgery', which {number} processes cannot share: it needs the gradient "
            "of each task by itself. Set balance to 'fixed' or 'uncertainty', or start one process."
        )


def open_shared(device: str, precision: str) -> Any:
    """Open Lightning Fabric on the device of this process, and join the others.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
    precision : {"32", "bf16"}

    Returns
    -------
    lightning_fabric.Fabric
        Launched: NCCL between GPUs, Gloo between CPUs.

    Raises
    ------
    MusigError
        If CUDA is asked for and torch sees none, or fewer GPUs than there are processes here; or
        if several machines were to be restarted with a store of before.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    from lightning_fabric import Fabric  # slow to import
    from lightning_fabric.strategies import DDPStrategy

    # Buffers are data, the same everywhere: by default each step would send them around. The option
    # has another name from torch 2.13 on.
    options = inspect.signature(DistributedDataParallel).parameters
    quiet = "forward_sync_buffers" if "forward_sync_buffers" in options else "broadcast_buffers"
    here = int(os.environ.get("LOCAL_WORLD_SIZE", processes()))
    cuda = open_fabric(device, precision).device.type == "cuda"
    if cuda and torch.cuda.device_count() < here:
        raise MusigError(
            f"torchrun started {here} processes on this machine, which has "
            f"{torch.cuda.device_count()} CUDA devices: start one a device, or set device to 'cpu'."
        )
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=here,
        num_nodes=processes() // here,
        strategy=DDPStrategy(**{quiet: False}),  # type: ignore[arg-type]
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )
    _join("nccl" if cuda else "gloo", several=processes() > here)
    fabric.launch()
    return fabric


def _join(backend: str, several: bool) -> None:
    """Meet the other processes, after a restart only those of this start.

    ``torchrun`` may keep one store over all restarts, in which the addresses of those that are gone
    are still to be read: a process that asks too early waits for them in vain (PyTorch issue
    135712). On one machine the number of the restart tells them apart; on several, each counts
    by itself.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return  # each start has a store of its own, which Fabric will find
    if several and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0":
        raise MusigError(
            "torchrun keeps one store over all restarts of several machines, so that processes may "
            "wait for ones that are gone: set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in front of "
            "torchrun --rdzv-backend c10d, or --max-restarts 0."
        )
    if distributed.is_initialized():
        return
    rank, number = int(os.environ["RANK"]), processes()
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = distributed.TCPStore(address, port, number, is_master=False)
    start = distributed.PrefixStore(f"start {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    distributed.init_process_group(backend, store=start, rank=rank, world_size=number)
    if backend == "nccl":  # else it complains at the end
        atexit.register(distributed.destroy_process_group)


class SharedNetwork(Network):
    """A network of which each process embeds its share of a step's tracks.

    Notes
    -----
    For :func:`musig.train.train`, as `network`, beside a fabric of several processes.

    Neighbours are drawn for the whole batch by every process, so that they are those that one
    process would have drawn; the work that follows is cut (:func:`part_of`). In full steps each
    process multiplies its rows of the graph, hop by hop (Tripathy, Yelick, Buluç: Reducing
    Communication in Graph Neural Network Training, SC 2020, their 1D layout), and so it does for
    exact embeddings: all see the same bits of these, and stop at the same epoch. With dropout steps
    are equal to those of one process in distribution only.
    Notebook: 15_speed_and_scale
    """

    def place_graph(self, data: TrainingData, device: torch.device) -> None:
        """Put the graph where the weights are, and choose the tracks of this process."""
        super().place_graph(data, device)
        number, rank = distributed.get_world_size(), distributed.get_rank()
        # Boundaries at an equal number of edges: those of a track go together.
        cuts = torch.arange(1, number) * len(data.csr.indices) // number
        inner = torch.searchsorted(data.csr.indptr, cuts).clamp_(max=data.csr.n_rows)
        ends = [0, *inner.tolist(), data.csr.n_rows]
        self.own, self.sizes = slice(ends[rank], ends[rank + 1]), _lengths(ends)
        self.part = _rows(self.blocks[0], self.own)
        if self.gathered is not None:  # what own tracks gather in the first hop
            self.matrix, self.gathered = self.part.matrix(), self.gathered[self.own]

    def embedded(
        self, nodes: Tensor, hidden: Sequence[Tensor], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Embed the own share of `nodes`, and take the rest from the other processes."""
        config, rank = self.config, distributed.get_rank()
        if config.dropout:  # or the first tracks of all shares would lose the same
            torch.manual_seed(torch.initial_seed() + rank)
        if self.mirror is not None:
            csr = thinned(self.csr, self.mirror, config.drop_edges, config.drop_tracks, generator)
            x = self.attributes(torch.cat(list(hidden))) if hidden else self.x
            (full,) = full_blocks(csr, 1)
            return self._by_rows(x, None, _rows(full, self.own)), nodes
        x, gathered = self.inputs(hidden)
        if self.steps == "full":
            return self._by_rows(x, gathered, self.part), nodes
        unique, rows = torch.unique(nodes, return_inverse=True)
        fanouts = config.fanouts[: config.hops - (gathered is not None)]
        sources, blocks = sample_blocks(self.csr, self.alias, unique, fanouts, generator)
        number = len(self.sizes)
        ends = [len(unique) * part // number for part in range(number + 1)]
        sources, blocks = part_of(sources, blocks, ends[rank], ends[rank + 1])
        known = None if gathered is None else gather(gathered, self.sizes)[sources]
        own = self.encoder(x[sources], blocks, gathered=known)
        return gather(own, _lengths(ends)), rows

    @torch.no_grad()
    def embed(self, hidden: Tensor | None = None, groups: Sequence[str] = ("GENRE",)) -> Tensor:
        """Exact embeddings of all tracks, the same bits in every process."""
        if self.config.aggregator != "mean":
            z = super().embed(hidden, groups)
            distributed.broadcast(z, src=0)
            return z
        training = self.encoder.training
        self.encoder.eval()
        x = self.x if hidden is None else self.attributes(hidden, groups)
        z = self._by_rows(x, None, self.part)
        self.encoder.train(training)
        return z.float()

    def _by_rows(self, x: Tensor, gathered: Tensor | None, block: Block) -> Tensor:
        """Embed all tracks, each process its own; `block` has their rows."""
        encoder, h = self.encoder, x
        for k in range(encoder.hops):
            hop, last = encoder.hop(k), k == encoder.hops - 1
            h = F.dropout(h, encoder.dropout, encoder.training)
            if k == 0 and gathered is not None:
                taken = F.dropout(gathered, encoder.dropout, encoder.training)
            else:
                taken = hop.aggregate(h, block)
            h = gather(hop.join(h[self.own], taken, last), self.sizes)  # (n, embedding_size)
        return h


def gather(own: Tensor, sizes: Sequence[int]) -> Tensor:
    """Put the rows of all processes together, in each of them.

    Parameters
    ----------
    own : Tensor, shape (sizes[rank], d)
        Rows of this process.
    sizes : sequence of int
        How many rows each process has.

    Returns
    -------
    Tensor, shape (sum of sizes, d)
        Its gradient adds up what all processes ask of the rows. Where all compute the same loss of
        it that is as many times too much as there are processes, which averaging the
        parameters' gradients over the processes undoes.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    return _Gather.apply(own, list(sizes))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, sizes: list[int]) -> Tensor:
        ctx.sizes = sizes
        padded = F.pad(own, (0, 0, 0, max(sizes) - len(own))).contiguous()
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:
        gradient = outer[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        rank = distributed.get_rank()
        start = sum(ctx.sizes[:rank])
        return gradient[start : start + ctx.sizes[rank]], None


def part_of(
    sources: Tensor, blocks: Sequence[Block], start: int, stop: int
) -> tuple[Tensor, list[Block]]:
    """Cut out of sampled blocks what some of their last receivers need.

    Parameters
    ----------
    sources : Tensor of int64, shape (n_src of the first block,)
    blocks : sequence of Block
        Both from :func:`musig.sampling.sample_blocks`.
    start, stop : int
        Which of the last block's receivers.

    Returns
    -------
    sources : Tensor of int64
        Those that are needed, each once.
    blocks : list of Block
        To embed these receivers with; every row as it was.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    Nodes 4 and 5, which drew 6 and 4; the second alone needs itself and 4:

    >>> block = Block(torch.tensor([0, 1, 2]), torch.tensor([2, 0]), torch.ones(2), 3)
    >>> sources, (cut,) = part_of(torch.tensor([4, 5, 6]), [block], 1, 2)
    >>> sources.tolist(), cut.indices.tolist()
    ([5, 4], [1])
    """
    wanted = torch.arange(start, stop, device=sources.device)
    cut = []
    for block in reversed(blocks):
        first, lengths = block.indptr[wanted].long(), block.indptr.diff()[wanted].long()
        indptr = F.pad(lengths.cumsum(0), (1, 0))
        entries = torch.arange(int(indptr[-1]), device=sources.device)
        entries += (first - indptr[:-1]).repeat_interleave(lengths, output_size=len(entries))
        senders = block.indices[entries].long()
        new = torch.zeros(block.n_src, dtype=torch.bool, device=sources.device)
        new = new.index_fill_(0, senders, True).index_fill_(0, wanted, False).nonzero().squeeze(1)
        wanted = torch.cat([wanted, new])
        position = torch.empty(block.n_src, dtype=block.indices.dtype, device=sources.device)
        position[wanted] = torch.arange(len(wanted), dtype=position.dtype, device=sources.device)
        dtype = block.indptr.dtype
        cut.append(
            Block(
                *(indptr.to(dtype), position[senders], block.weight[entries]),
                *(len(wanted), block.fanout),
            )
        )
    return sources[wanted], cut[::-1]


def _lengths(ends: Sequence[int]) -> list[int]:
    return [end - start for start, end in pairwise(ends)]


def _rows(block: Block, rows: slice) -> Block:
    """Cut some rows out of a full block; they take from all nodes."""
    indptr = block.indptr[rows.start : rows.stop + 1]
    entries = slice(int(indptr[0]), int(indptr[-1]))
    return Block(indptr - indptr[0], block.indices[entries], block.weight[entries], block.n_src)
