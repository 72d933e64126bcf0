/* Scores of the page "Complete a playlist": the arithmetic, and nothing that is seen.
 *
 * The same rules as in Python, on the numbers that musig.pages.playground packed into the page:
 * musig.scorers.EmbeddingScorer, musig.baselines.itemknn.ItemKNN, and `mixed`, `reasons` and
 * `portrait` of musig.pages.completed. A test holds these against Python's own scorers.
 *
 * Conventions: tracks are positions from 0; scores are one number a track, higher is better; of
 * equal scores the lower position comes first; seeds are never recommended.
 */
(function (root) {
  "use strict";

  const KINDS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array };
  const UNKNOWN = 255;

  /* Packed numbers: four letters are three bytes, the low byte of a number first. */
  function numbers(packed) {
    const letters = atob(packed.base64);
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
    return new KINDS[packed.type](bytes.buffer);
  }

  /* A method that gives each track a vector: the cosine with the mean of the seeds' unit vectors. */
  function vectors(packed) {
    const size = packed.size;
    const unit = Float64Array.from(numbers(packed.codes));
    const n = unit.length / size;
    for (let track = 0; track < n; track += 1) scale(unit.subarray(track * size, (track + 1) * size));

    function along(direction) {
      const scores = new Float64Array(n);
      for (let track = 0; track < n; track += 1) {
        let sum = 0;
        for (let k = 0; k < size; k += 1) sum += unit[track * size + k] * direction[k];
        scores[track] = sum;
      }
      return scores;
    }

    return {
      kind: "vectors",
      score(seeds) {
        const total = new Float64Array(size);
        for (const seed of seeds) {
          for (let k = 0; k < size; k += 1) total[k] += unit[seed * size + k];
        }
        return along(scale(total));
      },
      alone(track, seed) {
        let sum = 0;
        for (let k = 0; k < size; k += 1) sum += unit[track * size + k] * unit[seed * size + k];
        return sum;
      },
    };
  }

  /* Divide by the length; a vector of zeros stays one. */
  function scale(vector) {
    let square = 0;
    for (const x of vector) square += x * x;
    const length = Math.max(Math.sqrt(square), 1e-12);
    for (let k = 0; k < vector.length; k += 1) vector[k] /= length;
    return vector;
  }

  /* Item-kNN: the sum over the seeds of shared playlists / sqrt(playlists of both). */
  function neighbours(packed, playlists) {
    const lengths = numbers(packed.lengths);
    const indices = numbers(packed.indices);
    const shared = numbers(packed.shared);
    const starts = new Uint32Array(lengths.length + 1);
    lengths.forEach((length, row) => {
      starts[row + 1] = starts[row] + length;
    });
    const cosine = (at, seed) => shared[at] / Math.sqrt(playlists[seed] * playlists[indices[at]]);

    function find(track, seed) {
      for (let at = starts[seed]; at < starts[seed + 1]; at += 1) {
        if (indices[at] === track) return at;
      }
      return -1;
    }

    return {
      kind: "neighbours",
      score(seeds) {
        const scores = new Float64Array(lengths.length);
        for (const seed of seeds) {
          for (let at = starts[seed]; at < starts[seed + 1]; at += 1) {
            scores[indices[at]] += cosine(at, seed);
          }
        }
        return scores;
      },
      alone(track, seed) {
        const at = find(track, seed);
        return at < 0 ? 0 : cosine(at, seed);
      },
      shared(track, seed) {
        const at = find(track, seed);
        return at < 0 ? 0 : shared[at];
      },
    };
  }

  /* Mean and deviation of scores over the tracks that are no seeds. */
  function spread(scores, seeds) {
    const given = new Set(seeds);
    const n = Math.max(1, scores.length - given.size);
    let mean = 0;
    let square = 0;
    scores.forEach((score, track) => {
      if (!given.has(track)) mean += score / n;
    });
    scores.forEach((score, track) => {
      if (!given.has(track)) square += ((score - mean) * (score - mean)) / n;
    });
    return { mean, deviation: Math.sqrt(square) };
  }

  /* Scores of several models, brought to one spread and averaged by weight; null without weight. */
  function mixed(parts, weights, seeds) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0)) return null;
    const spreads = parts.map((scores) => spread(scores, seeds));
    const mean = (key) =>
      spreads.reduce((sum, each, t) => sum + (weights[t] / total) * each[key], 0);
    const middle = mean("mean");
    const width = mean("deviation");
    return Float64Array.from(parts[0], (_, track) =>
      middle + width * parts.reduce((sum, scores, t) => {
        const by = spreads[t].deviation > 0 ? spreads[t].deviation : 1;
        return sum + ((weights[t] / total) * (scores[track] - spreads[t].mean)) / by;
      }, 0));
  }

  /* All tracks but the seeds, best first. */
  function ranking(scores, seeds) {
    const given = new Set(seeds);
    const order = [];
    for (let track = 0; track < scores.length; track += 1) if (!given.has(track)) order.push(track);
    return order.sort((a, b) => scores[b] - scores[a] || a - b);
  }

  /* The seeds that would score a track highest alone: [{seed, score}], at most k, above 0. */
  function reasons(method, track, seeds, k = 2) {
    return seeds
      .map((seed) => ({ seed, score: method.alone(track, seed) }))
      .filter((each) => each.score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, k);
  }

  /* Everything that was packed, ready to be asked. */
  function open(content) {
    const playlists = numbers(content.tracks.playlists);
    const artist = numbers(content.tracks.artist);
    const genre = numbers(content.tracks.genre);
    const { names, low, high } = content.features;
    const levels = numbers(content.features.levels);
    const n = content.tracks.names.length;
    const made = (packed) =>
      packed.kind === "vectors" ? vectors(packed) : neighbours(packed, playlists);
    const models = {};
    for (const packed of [...content.methods, ...content.parts]) models[packed.id] = made(packed);

    /* Value of a feature on its own scale, null where unknown; its level as a share of the range. */
    const level = (track, k) => levels[track * names.length + k];
    const share = (track, k) =>
      level(track, k) === UNKNOWN ? null : level(track, k) / (UNKNOWN - 1);
    const feature = (track, k) =>
      level(track, k) === UNKNOWN ? null : low[k] + share(track, k) * (high[k] - low[k]);
    const every = Array.from({ length: n }, (_, track) => track);
    const known = (tracks, k) =>
      tracks.map((track) => feature(track, k)).filter((value) => value !== null);
    const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviations = names.map((_, k) => {
      const values = known(every, k);
      const middle = average(values);
      return Math.sqrt(average(values.map((value) => (value - middle) ** 2)));
    });

    /* What a list is like beside its seeds: see musig.pages.completed.portrait. */
    function portrait(seeds, listed) {
      const genres = new Set(seeds.map((seed) => genre[seed]).filter((code) => code > 0));
      const middles = names.map((_, k) => average(known(seeds, k)));
      const away = listed.map((track) => {
        const squares = names
          .map((_, k) => {
            const value = feature(track, k);
            return value === null ? NaN : ((value - middles[k]) / deviations[k]) ** 2;
          })
          .filter(Number.isFinite);
        return Math.sqrt(average(squares));
      });
      const counts = listed.map((track) => playlists[track]).sort((a, b) => a - b);
      const half = Math.floor(counts.length / 2);
      return {
        genre: listed.filter((track) => genres.has(genre[track])).length,
        sound: average(away.filter(Number.isFinite)),
        playlists: counts.length % 2 ? counts[half] : (counts[half - 1] + counts[half]) / 2,
      };
    }

    return {
      n,
      models,
      features: names,
      share,
      feature,
      portrait,
      playlists: (track) => playlists[track],
      title: (track) => content.tracks.names[track],
      artist: (track) => content.tracks.artists[artist[track] - 1] || "",
      genre: (track) => content.tracks.genres[genre[track] - 1] || "",
    };
  }

  root.musigScores = { open, numbers, spread, mixed, ranking, reasons };
})(window);
