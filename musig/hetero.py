"""The aggregator over several relations and types of nodes.

As in :mod:`musig.model` a node gathers, hop by hop, what its neighbours know; now its neighbours of
each relation apart, each through a map of its own, and what comes of them is added up: the
relational graph convolution of Schlichtkrull et al. (ESWC 2018) with weighted means, by
``torch_geometric``'s :class:`~torch_geometric.nn.conv.HeteroConv`. Tasks, loop and completion are
those of the paper's encoder.

Conventions
-----------
Dicts are by type of node or by edge type (:data:`musig.relations.EdgeType`). Every hop has only the
relations and types whose outcome reaches a track in the hops after it, so that no parameter is left
without a gradient. With the paper's relation alone everything is that of the plain encoder: the
same parameters, drawn in the same order, the same steps, the same embeddings.

Contents
--------
- :class:`HeteroEncoder`: K hops.
- :class:`HeteroNetwork`: what :func:`musig.train.train` trains, as ``network``.
- :func:`restored`: the encoder of a MODEL folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import HeteroConv
from torch_geometric.nn.module_dict import ModuleDict

from musig.csr import CSR
from musig.errors import MusigError
from musig.model import WeightedMean
from musig.product import product
from musig.relation_sampling import Blocks, full_relations, sample_relations
from musig.relations import TRACK, EdgeType, RelationalData, rows_of
from musig.sampling import Block, build_alias
from musig.train import Network, TrainConfig, is_thinned, steps_for
from musig.training_data import TrainingData

_PARTS = ("indptr", "indices", "weight")
"""Of a CSR, as they are saved."""


class HeteroEncoder(nn.Module):
    """K hops: h_v ← normalise(W · h_v + the sum over relations r of W_r · its neighbours' mean).

    Parameters
    ----------
    graph : mapping of edge type to CSR
        The relations, a row a receiver; of every type of node there is a relation to tracks, and
        one back.
    n_attributes : int, > 0
        Width of the tracks' attributes; other nodes have one column.
    embedding_size : int, > 0
    hops : int, >= 1
    dropout : float in [0, 1)
        Share of each hop's inputs set to zero in training.

    Notes
    -----
    The source says that types of relations and nodes can be specified, and not how the paper puts
    them together. A sum of means is the plainest choice, in which a relation can be left without
    influence by its map.
    Notebook: 13_relations

    Examples
    --------
    >>> edge = ("track", "by_audio", "track")
    >>> pair = CSR(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), torch.ones(2), 2, 2)
    >>> HeteroEncoder({edge: pair}, 3, 8, hops=2).embed(torch.ones(2, 3)).shape
    torch.Size([2, 8])
    """

    kind = "hetero"
    """What ``model.json`` calls it."""

    def __init__(
        self,
        graph: Mapping[EdgeType, CSR],
        n_attributes: int,
        embedding_size: int,
        hops: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.graph = dict(sorted(graph.items()))  # sums in one order, also when read again
        """The relations; moved with :meth:`place`, and no parameters."""
        self.full = full_relations(self.graph)
        """The same as blocks."""
        self.dropout = dropout
        self.edges = _needed(self.graph, hops)
        """Relations of each hop."""
        width = {kind: 1 for edge in self.graph for kind in (edge[0], edge[2])}
        width[TRACK] = n_attributes
        layers = []
        for edges in self.edges:
            layers.append(_HeteroHop(edges, width, embedding_size))
            width = dict.fromkeys(width, embedding_size)
        self.layers = nn.ModuleList(layers)

    @property
    def hops(self) -> int:
        """Search depth."""
        return len(self.layers)

    def forward(
        self,
        x: Mapping[str, Tensor],
        blocks: Sequence[Blocks],
        gathered: Mapping[EdgeType, Tensor] | None = None,
    ) -> Tensor:
        """Embed the tracks that receive in the last hop.

        Parameters
        ----------
        x : mapping of str to Tensor of float32, shape (nodes that send in the first hop, columns)
        blocks : sequence of mappings of edge type to Block
            Outermost hop first.
        gathered : mapping of edge type to Tensor, optional
            What is gathered in the first hop, where that is known already; `blocks` are then those
            of the other hops.

        Returns
        -------
        Tensor of float32, shape (tracks, embedding_size)
            Rows of length 1.
        """
        h, first = dict(x), 0
        if gathered is not None:
            h = {kind: self._dropped(part) for kind, part in h.items()}
            known = {edge: self._dropped(gathered[edge]) for edge in self.edges[0]}
            h, first = self.layers[0](h, None, known, last=self.hops == 1), 1
        for k, hop in enumerate(blocks, first):
            h = {kind: self._dropped(part) for kind, part in h.items()}
            h = self.layers[k](h, hop, None, last=k == self.hops - 1)
        return h[TRACK]

    def _dropped(self, h: Tensor) -> Tensor:
        return F.dropout(h, self.dropout, self.training)

    def inputs(self, x: Tensor) -> dict[str, Tensor]:
        """Put the other nodes' single 1 beside the tracks' attributes."""
        ones = {
            edge[2]: x.new_ones(csr.n_rows, 1)
            for edge, csr in self.graph.items()
            if edge[2] != TRACK
        }
        return {TRACK: x, **ones}

    @torch.no_grad()
    def embed(self, x: Tensor) -> Tensor:
        """Embed every track exactly: Tensor of float32, shape (n_tracks, embedding_size).

        Parameters
        ----------
        x : Tensor of float32, shape (n_tracks, n_attributes)
            On the device of the relations.
        """
        training = self.training
        self.eval()
        z = self(self.inputs(x), [self.full] * self.hops)
        self.train(training)
        return z.float()

    def place(self, device: torch.device) -> None:
        """Put the relations where the weights are."""
        self.graph = {edge: csr.to(device) for edge, csr in self.graph.items()}
        self.full = full_relations(self.graph)

    def graph_tensors(self) -> dict[str, Tensor]:
        """Give the relations as named tensors, for the MODEL folder."""
        return {
            "|".join((*edge, part)): getattr(csr, part)
            for edge, csr in self.graph.items()
            for part in _PARTS
        }


class _HeteroHop(nn.Module):
    """One hop: what each type of node knows, and what it gathers over each relation."""

    def __init__(self, edges: Sequence[EdgeType], width: Mapping[str, int], n_out: int) -> None:
        super().__init__()
        receivers = dict.fromkeys(edge[2] for edge in edges)
        self.own = ModuleDict({kind: nn.Linear(width[kind], n_out) for kind in receivers})
        messages = {edge: _Message(width[edge[0]], n_out) for edge in edges}
        with warnings.catch_warnings():  # in the last hop nothing but tracks is meant to receive
            warnings.filterwarnings("ignore", message="There exist node types")
            self.neighbours = HeteroConv(messages)

    def forward(
        self,
        h: Mapping[str, Tensor],
        blocks: Blocks | None,
        gathered: Mapping[EdgeType, Tensor] | None,
        last: bool,
    ) -> dict[str, Tensor]:
        sums = self.neighbours(gathered) if blocks is None else self.neighbours(h, blocks)
        out = {}
        for kind, linear in self.own.items():
            z = linear(h[kind][: len(sums[kind])]) + sums[kind]
            out[kind] = F.normalize(z if last else F.relu(z), dim=1)
        return out


class _Message(nn.Module):
    """What nodes gather over one relation, through its map; HeteroConv adds up those of a type."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.aggregate = WeightedMean()
        self.linear = nn.Linear(n_in, n_out, bias=False)

    def forward(self, h: Tensor | tuple[Tensor, Tensor], block: Block | None = None) -> Tensor:
        # Between two types HeteroConv hands over a pair: senders and receivers.
        sent = h[0] if isinstance(h, tuple) else h
        return self.linear(sent if block is None else self.aggregate(sent, block))


def _needed(graph: Mapping[EdgeType, CSR], hops: int) -> list[list[EdgeType]]:
    """List the relations of each hop: those into nodes that later hops read."""
    needed, listed = {TRACK}, []
    for _ in range(hops):
        edges = [edge for edge in graph if edge[2] in needed]
        listed.append(edges)
        needed = needed | {edge[0] for edge in edges}
    return listed[::-1]


class HeteroNetwork(Network):
    """Encoder of several relations, and tasks: what :func:`musig.train.train` trains.

    Parameters
    ----------
    data : RelationalData
        Of :func:`musig.relations.with_relations`.
    config : TrainConfig
    tasks : sequence of (task, weight)

    Raises
    ------
    MusigError
        For an aggregator other than the mean, for ``drop_edges`` and ``drop_tracks``, where the
        data have none of the relations.

    Notes
    -----
    Between sampled and full steps is chosen as for the plain encoder, by the paper's relation.
    Notebook: 13_relations
    """

    encoder: HeteroEncoder

    def make_encoder(self, data: TrainingData, config: TrainConfig) -> HeteroEncoder:
        """Make the encoder, not yet trained."""
        if config.aggregator != "mean" or is_thinned(config):
            raise MusigError(
                f"aggregator is '{config.aggregator}', drop_edges {config.drop_edges} and "
                f"drop_tracks {config.drop_tracks}; several relations are gathered by the weighted "
                "mean over whole graphs: set them to 'mean', 0 and 0."
            )
        if not isinstance(data, RelationalData):
            raise MusigError(
                "The data have no relations: give what musig.relations.with_relations makes."
            )
        built = data.graph
        if not built.hetero.edge_types:
            told = "; ".join(f"{name}: {why}" for name, why in built.absent.items())
            raise MusigError(
                f"{data.catalog.name} has none of the relations asked for ({told}): choose others."
            )
        graph = rows_of(built.hetero)
        width = data.attributes.x.shape[1]
        return HeteroEncoder(graph, width, config.embedding_size, config.hops, config.dropout)

    def place_graph(self, data: TrainingData, device: torch.device) -> None:
        """Put the relations where the weights are; nothing is moved after this."""
        self.encoder.place(device)
        graph = self.encoder.graph
        self.steps = steps_for(self.config, data)
        if self.steps == "sampled":
            self._require_fanouts()
            self.aliases = {edge: build_alias(csr).to(device) for edge, csr in graph.items()}
        # As for the plain encoder: what attributes average to is known, unless they are learned.
        self.first: dict[EdgeType, Tensor] | None = None
        if not self.learned:
            x = self.encoder.inputs(self.x)
            self.first = {
                edge: product(self.encoder.full[edge].matrix(), x[edge[0]])
                for edge in self.encoder.edges[0]
            }

    def embedded(
        self, nodes: Tensor, hidden: Sequence[Tensor], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Embed `nodes`, with the GENRE of some tracks hidden; give embeddings and their rows."""
        encoder, hops = self.encoder, self.config.hops
        tracks, gathered = self._first_hop(hidden)
        x = encoder.inputs(tracks)
        exact = int(gathered is not None)  # hops that are done
        if self.steps == "full":
            return encoder(x, [encoder.full] * (hops - exact), gathered), nodes
        unique, rows = torch.unique(nodes, return_inverse=True)
        edges, fanouts = encoder.edges[exact:], self.config.fanouts[: hops - exact]
        sources, blocks = sample_relations(
            encoder.graph, self.aliases, unique, edges, fanouts, generator
        )
        x = {kind: part[sources[kind]] for kind, part in x.items()}
        if gathered is not None:
            gathered = {edge: part[sources[edge[2]]] for edge, part in gathered.items()}
        return encoder(x, blocks, gathered), rows

    def _first_hop(
        self, hidden: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[EdgeType, Tensor] | None]:
        """Attributes of tracks, and what is gathered of them, with some GENRE hidden from both."""
        if not hidden or "GENRE" not in self.groups:
            return self.x, self.first
        x = self.attributes(torch.cat(list(hidden)))
        if self.first is None:
            return x, None
        columns, gathered = slice(*self.groups["GENRE"]), dict(self.first)
        for edge in gathered:
            if edge[0] == TRACK:
                told = gathered[edge].clone()
                told[:, columns] = product(self.encoder.full[edge].matrix(), x[:, columns])
                gathered[edge] = told
        return x, gathered

    def embed(self, hidden: Tensor | None = None, groups: Sequence[str] = ("GENRE",)) -> Tensor:
        """Exact embeddings of all tracks."""
        return self.encoder.embed(self.x if hidden is None else self.attributes(hidden, groups))


def restored(
    tensors: Mapping[str, Tensor], n_attributes: int, config: Mapping[str, Any]
) -> HeteroEncoder:
    """Make the encoder of a MODEL folder, to be given its weights.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        Of ``graph.safetensors``; those named as :meth:`HeteroEncoder.graph_tensors` names them are
        taken.
    n_attributes : int
    config : mapping
        Of ``model.json``.

    Returns
    -------
    HeteroEncoder

    Notes
    -----
    Notebook: 13_relations
    """
    parts: dict[EdgeType, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.count("|") == 3:
            sender, relation, receiver, part = name.split("|")
            parts.setdefault((sender, relation, receiver), {})[part] = tensor
    n = {edge[2]: len(part["indptr"]) - 1 for edge, part in parts.items()}
    graph = {
        edge: CSR(**part, n_rows=n[edge[2]], n_cols=n[edge[0]]) for edge, part in parts.items()
    }
    size, hops, dropout = (config[name] for name in ("embedding_size", "hops", "dropout"))
    return HeteroEncoder(graph, n_attributes, size, hops, dropout)
