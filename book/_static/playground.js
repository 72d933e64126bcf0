/* What is seen of the page "Complete a playlist". The arithmetic is in playground-scores.js.
 *
 * The data are in the page, as JSON beside this script's tag; nothing is fetched. Text from data
 * is only ever set as text. Plain DOM, one state, one direction: a change of the state draws what
 * depends on it.
 */
(function () {
  "use strict";

  const FEWEST = 3;
  const MOST = 10;
  const OFFERED = 20; // tracks that a search lists
  const NARROW = 500; // pixels; where there is less, lists begin short
  const HIGH = 4; // deviations at which a bar of a task is full
  const UNITS = { loudness: " dB", tempo: " BPM" };
  const METHODS = {
    musig: "One embedding, taught by all its tasks. Nearest to the mean of the seeds.",
    track2vec: "Word2vec, with playlists for sentences. Nearest to the mean of the seeds.",
    itemknn: "Tracks that share playlists with the seeds.",
  };
  const TASKS = {
    cooccurrence: { label: "Playlists", hint: "the co-occurrence task" },
    similarity: { label: "Sound", hint: "the similarity task" },
    genre: { label: "Genre", hint: "the genre task" },
  };
  let named = 0;

  /* An element; children are elements or text. */
  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "rect", "path", "circle"].includes(tag);
    const element = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== null) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }

  const hidden = (text) => make("span", { class: "visually-hidden" }, text);
  const id = (what) => `pg-${what}-${(named += 1)}`;
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const two = (value) => value.toFixed(2);
  const whole = (value) => Math.round(value).toLocaleString("en-GB").replace("-", "−");

  function start(root) {
    const content = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const data = window.musigScores.open(content);
    const { mixed, ranking, reasons, spread } = window.musigScores;
    const clips = content.clips.sounds;
    const heard = Object.keys(clips).length;
    const usual = content.parts.map((part) => part.weight);
    const state = {
      seeds: [],
      weights: usual.map((weight) => Math.round((100 * weight) / Math.max(...usual))),
      example: -1,
      onlyHeard: false,
      length: 10,
    };
    const opened = new Set(); // rows whose features are unfolded
    const asText = Array.from({ length: data.n }, (_, track) =>
      plain(`${data.title(track)} ${data.artist(track)} ${data.genre(track)}`));
    const byPlays = Array.from({ length: data.n }, (_, track) => track)
      .sort((a, b) => data.playlists(b) - data.playlists(a) || a - b);
    const called = (track) =>
      data.artist(track) ? `${data.title(track)} by ${data.artist(track)}` : data.title(track);

    const part = (number, title, ...children) => {
      const heading = make("h3", { id: id("part") }, `${number}. ${title}`);
      return make("section", { class: "pg-part", "aria-labelledby": heading.id }, heading, ...children);
    };
    const button = (text, onclick, attributes = {}) =>
      make("button", { type: "button", onclick, ...attributes }, text);

    /* ---- sound: one clip at a time ---- */

    const audio = new Audio();
    const nowTitle = make("span", { class: "pg-now-title", dir: "auto" });
    const now = make("div", { class: "pg-now", hidden: true },
      make("span", { class: "pg-wave", "aria-hidden": "true" }, "♪"),
      make("span", {}, "Playing ", nowTitle),
      button("Stop", () => silence()));
    let playing = -1;
    let queue = [];

    function play(track, rest = []) {
      playing = track;
      queue = rest;
      audio.src = `data:${content.clips.type};base64,${clips[track]}`;
      audio.play().catch((error) => {
        if (playing !== track || error.name === "AbortError") return; // another was asked for
        silence();
        say("This browser cannot play the clip.");
      });
      showPlaying();
    }

    function silence() {
      audio.pause();
      playing = -1;
      queue = [];
      showPlaying();
    }

    audio.addEventListener("ended", () => {
      if (!audio.ended) return; // another was asked for just then
      if (queue.length) play(queue[0], queue.slice(1));
      else silence();
    });

    function showPlaying() {
      now.hidden = playing < 0;
      nowTitle.textContent = playing < 0 ? "" : called(playing);
      for (const each of root.querySelectorAll(".pg-play")) {
        const on = Number(each.dataset.clip) === playing;
        each.textContent = on ? "■" : "▶";
        each.classList.toggle("pg-on", on);
        each.setAttribute("aria-label", `${on ? "Stop" : "Play"} ${called(Number(each.dataset.clip))}`);
      }
    }

    function player(track) {
      if (!(track in clips)) return make("span", { class: "pg-silent" });
      const toggle = () => (playing === track ? silence() : play(track));
      return button("▶", toggle, {
        class: "pg-play", "data-clip": track, "aria-label": `Play ${called(track)}`,
      });
    }

    /* ---- what is said to those who do not see it ---- */

    const live = make("p", { class: "visually-hidden", role: "status" });
    let saying = 0;
    function say(text, after = 0) {
      clearTimeout(saying);
      saying = setTimeout(() => {
        live.textContent = text;
      }, after);
    }

    /* ---- a track in a list ---- */

    function told(track, k) {
      const value = data.feature(track, k);
      if (value === null) return "unknown";
      const unit = UNITS[data.features[k]];
      return unit ? `${whole(value)}${unit}` : two(value);
    }

    const isDescribed = (track) => data.features.some((_, k) => data.share(track, k) !== null);

    function bars(track) {
      const label = data.features.map((name, k) => `${name} ${told(track, k)}`).join(", ");
      const drawn = data.features.map((_, k) => {
        const share = data.share(track, k);
        const height = share === null ? 1 : 2 + 18 * share;
        return make("rect", {
          x: 7 * k, y: 20 - height, width: 5, height, rx: 1, class: share === null ? "pg-none" : null,
        });
      });
      return make("svg", {
        viewBox: `0 0 ${7 * data.features.length - 2} 20`, class: "pg-bars", role: "img",
        "aria-label": `Features: ${label}`,
      }, ...drawn);
    }

    function features(track, key) {
      if (!isDescribed(track)) return make("span", { class: "pg-muted" }, "features unknown");
      const unfold = (event) => {
        const box = event.target;
        if (box.open) opened.add(key);
        else opened.delete(key);
        if (box.open && box.children.length === 1) box.append(table(track));
        drawSlopes();
      };
      const box = make("details", { class: "pg-features", ontoggle: unfold },
        make("summary", { title: "The features in numbers" }, bars(track)));
      if (opened.has(key)) {
        box.append(table(track));
        box.open = true;
      }
      return box;
    }

    function table(track) {
      const rows = data.features.map((name, k) => {
        const share = data.share(track, k);
        const bar = make("span", { class: "pg-bar" }, make("span", {}));
        bar.firstChild.style.width = `${100 * (share || 0)}%`;
        return make("tr", {},
          make("th", { scope: "row" }, name),
          make("td", { "aria-hidden": "true" }, bar),
          make("td", {}, told(track, k)));
      });
      return make("table", { class: "pg-table" },
        make("caption", { class: "visually-hidden" }, `Features of ${called(track)}`),
        make("tbody", {}, ...rows));
    }

    function genre(track) {
      const name = data.genre(track);
      if (!name) return null;
      const same = state.seeds.some((seed) => data.genre(seed) === name);
      return make("span", { class: same ? "pg-genre" : "pg-genre pg-other-genre" }, name,
        same ? null : hidden(", of no seed"));
    }

    function words(track) {
      return make("div", { class: "pg-words" },
        make("span", { class: "pg-title", dir: "auto" }, data.title(track)),
        make("span", { class: "pg-by" },
          make("span", { dir: "auto" }, data.artist(track)), " ", genre(track)));
    }

    function why(method, track) {
      const found = reasons(method, track, state.seeds);
      if (!found.length) return make("p", { class: "pg-why" }, "no seed speaks for it");
      const line = make("p", { class: "pg-why" },
        method.kind === "neighbours" ? "playlists with " : "near ");
      found.forEach(({ seed, score }, at) => {
        const number = method.kind === "neighbours" ? method.shared(track, seed) : two(score);
        line.append(at ? ", " : "",
          make("span", { class: "pg-seed", dir: "auto" }, data.title(seed)), ` ${number}`);
      });
      return line;
    }

    /* `beside` stands by the bars of the features, `below` under them. */
    function row(list, track, place, beside, below) {
      const target = targets().has(track);
      return make("li", { class: target ? "pg-row pg-target" : "pg-row", "data-track": track },
        make("span", { class: "pg-place" }, hidden("place "), String(place)),
        make("div", { class: "pg-what" }, words(track),
          make("div", { class: "pg-line" }, features(track, `${list}:${track}`), beside), below),
        make("div", { class: "pg-side" }, player(track),
          target ? make("span", { class: "pg-tick", title: "in the other half of the playlist" },
            "✓", hidden(" in the other half of the playlist")) : null));
    }

    const targets = () =>
      new Set(state.example < 0 ? [] : content.examples[state.example].targets);

    /* ---- 1. the seeds ---- */

    const listbox = make("ul", { class: "pg-options", role: "listbox", id: id("options"),
      "aria-label": "Tracks found", hidden: true });
    const input = make("input", { class: "pg-search", id: id("search"), type: "text",
      role: "combobox", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listbox.id,
      placeholder: "a title, an artist or a genre" });
    const label = make("label", { for: input.id },
      `Search ${whole(data.n)} tracks${heard ? `, of which ${whole(heard)} can be played` : ""}`);
    const chosen = make("ol", { class: "pg-chosen", role: "list", "aria-label": "Your seeds" });
    const note = make("p", { class: "pg-note" });
    let options = [];
    let active = -1;

    function offer() {
      const asked = plain(input.value).split(/\s+/).filter(Boolean);
      const first = plain(input.value.trim());
      const rank = (track) => {
        const title = plain(data.title(track));
        return title.startsWith(first) ? 0 : title.includes(first) ? 1 : 2;
      };
      const found = byPlays.filter((track) =>
        !state.seeds.includes(track) && asked.every((word) => asText[track].includes(word)));
      if (asked.length) found.sort((a, b) => rank(a) - rank(b)); // stable: frequent ones first
      options = found.slice(0, OFFERED);
      listbox.replaceChildren(...options.map((track, at) => make("li", {
        role: "option", id: `${listbox.id}-${at}`, "aria-selected": "false",
        onmousedown: (event) => event.preventDefault(), // the search keeps the focus
        onclick: () => choose(track),
      }, make("span", { class: "pg-title", dir: "auto" }, data.title(track)),
        make("span", { class: "pg-by" }, make("span", { dir: "auto" }, data.artist(track)),
          data.genre(track) ? ` · ${data.genre(track)}` : ""),
        track in clips ? make("span", { class: "pg-has" }, "♪", hidden(" can be played")) : null)));
      open(options.length > 0);
      point(-1);
      const many = found.length === 1 ? "1 track found" : `${whole(found.length)} tracks found`;
      const more = found.length > OFFERED ? `, the first ${OFFERED} are listed` : "";
      say(found.length ? many + more : "No track found.", 300);
      none.hidden = found.length > 0;
    }

    const none = make("p", { class: "pg-none-found", hidden: true }, "No track found.");

    function open(is) {
      listbox.hidden = !is;
      input.setAttribute("aria-expanded", String(is));
      if (!is) point(-1);
    }

    function point(at) {
      if (active >= 0 && listbox.children[active]) {
        listbox.children[active].setAttribute("aria-selected", "false");
      }
      active = at;
      const option = listbox.children[at];
      if (!option) {
        input.removeAttribute("aria-activedescendant");
        return;
      }
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    }

    function choose(track) {
      if (state.seeds.length >= MOST) {
        open(false);
        say(`${MOST} seeds are the most. Remove one first.`);
        note.textContent = `${MOST} seeds are the most. Remove one first.`;
        return;
      }
      input.value = "";
      open(false);
      change({ seeds: [...state.seeds, track], example: -1 });
      say(`${called(track)} is seed ${state.seeds.length}. ${firsts()}`);
    }

    input.addEventListener("input", () => (input.value.trim() ? offer() : (open(false), (none.hidden = true))));
    input.addEventListener("blur", () => open(false));
    input.addEventListener("keydown", (event) => {
      const shown = !listbox.hidden;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        if (!shown) offer();
        if (options.length) {
          const from = active < 0 && step < 0 ? options.length : active;
          point((from + step + options.length) % options.length);
        }
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (shown && options.length) choose(options[Math.max(active, 0)]);
      } else if (event.key === "Escape") {
        if (shown) open(false);
        else input.value = "";
        none.hidden = true;
      } else if (event.key === "Home" || event.key === "End") {
        point(-1);
      }
    });

    function drawSeeds() {
      chosen.replaceChildren(...state.seeds.map((track, at) =>
        make("li", { class: "pg-row pg-chip", "data-track": track },
          make("div", { class: "pg-what" }, words(track), features(track, `seeds:${track}`)),
          make("div", { class: "pg-side" }, player(track),
            button("×", () => remove(at), {
              class: "pg-remove", "aria-label": `Remove ${called(track)}`,
            })))));
      const missing = FEWEST - state.seeds.length;
      const example = content.examples[state.example];
      if (missing > 0) {
        note.replaceChildren(`Pick ${missing} more ${missing === 1 ? "track" : "tracks"}, or take an example.`);
      } else if (example) {
        note.replaceChildren("An example: ", make("b", { dir: "auto" }, example.name),
          `, a playlist that no method was trained on. ${whole(example.seeds.length)} of its tracks `
          + `are given; ${whole(example.targets.length)} others were kept back, and where a method finds one of `
          + "them it has a tick, ✓.");
      } else {
        note.replaceChildren(`${state.seeds.length} seeds. The address of this page now keeps them: copy it to share the list.`);
      }
    }

    function remove(at) {
      const name = called(state.seeds[at]);
      change({ seeds: state.seeds.filter((_, i) => i !== at), example: -1 });
      const left = chosen.querySelectorAll(".pg-remove");
      (left[Math.min(at, left.length - 1)] || input).focus();
      say(`${name} was removed, ${state.seeds.length} left. ${firsts()}`);
    }

    function example() {
      const at = (state.example + 1) % content.examples.length;
      change({ seeds: content.examples[at].seeds.slice(), example: at });
      say(`Example ${content.examples[at].name}: ${state.seeds.length} seeds. ${firsts()}`);
    }

    function surprise() {
      const drawn = new Set();
      const few = Math.min(5, data.n);
      while (drawn.size < few) drawn.add(Math.floor(Math.random() * data.n));
      change({ seeds: [...drawn], example: -1 });
      say(`${few} tracks drawn at random: ${state.seeds.map(called).join("; ")}. ${firsts()}`);
    }

    /* ---- 2. three methods ---- */

    const columns = make("div", { class: "pg-columns" });
    let places = {}; // of every track, by method
    let scored = {};

    function complete() {
      scored = {};
      places = {};
      if (state.seeds.length < FEWEST) return;
      for (const [name, model] of Object.entries(data.models)) scored[name] = model.score(state.seeds);
      for (const { id: name } of content.methods) places[name] = placed(ranking(scored[name], state.seeds));
    }

    function placed(order) {
      const place = new Uint32Array(data.n);
      order.forEach((track, at) => {
        place[track] = at + 1;
      });
      return { order, place };
    }

    /* What the lists begin with, in a sentence. */
    const firsts = () => content.methods
      .filter((each) => places[each.id] && listed(places[each.id].order).length)
      .map((each) => `First by ${each.label}: ${called(listed(places[each.id].order)[0])}.`)
      .join(" ");

    const listed = (order) =>
      order.filter((track) => !state.onlyHeard || track in clips).slice(0, state.length);

    function summary(tracks) {
      if (!tracks.length) return null;
      const { genre: same, sound, playlists } = data.portrait(state.seeds, tracks);
      const fact = (name, value, title) =>
        make("div", { title }, make("dt", {}, name), make("dd", {}, value));
      return make("dl", { class: "pg-facts" },
        fact("genre of a seed", `${same} of ${tracks.length}`, "how many have the main genre of a seed"),
        Number.isFinite(sound)
          ? fact("distance in sound", two(sound), "mean distance to the seeds' mean features, in standard deviations")
          : null,
        fact("median playlists", whole(playlists), "training playlists that hold a track, the median of the list"));
    }

    function list(key, title, text, tracks, line, more = null) {
      const heading = make("h4", { id: id("list") }, title);
      const sounding = tracks.filter((track) => track in clips);
      const found = tracks.filter((track) => targets().has(track)).length;
      return make("div", { class: "pg-list", role: "group", "data-list": key, "aria-labelledby": heading.id },
        heading,
        make("p", { class: "pg-about" }, text),
        summary(tracks),
        make("p", { class: "pg-tools" },
          sounding.length
            ? button(`▶ Play ${sounding.length === 1 ? "1 clip" : `${sounding.length} clips`}`,
              () => play(sounding[0], sounding.slice(1)),
              { class: "pg-small", "aria-label": `Play the clips of the list ${title}` })
            : heard ? make("span", { class: "pg-muted" }, "no clip in this list") : null,
          state.example < 0 ? null : make("span", { class: "pg-found" }, `✓ ${found} found`)),
        more,
        make("ol", { class: "pg-rows", role: "list", "aria-labelledby": heading.id },
          ...tracks.map((track) => line(track))));
    }

    function drawMethods() {
      columns.replaceChildren();
      if (!scored.musig) return;
      for (const { id: name, label: title } of content.methods) {
        const model = data.models[name];
        const elsewhere = (track) => make("p", { class: "pg-why" }, ...content.methods
          .filter((other) => other.id !== name)
          .flatMap((other, at) => [at ? " · " : "", make("span", { class: "pg-other" },
            `${other.label} `,
            make("b", {}, scored[other.id][track] > 0 || other.id !== "itemknn"
              ? whole(places[other.id].place[track]) : "–"))]));
        columns.append(list(name, title, METHODS[name], listed(places[name].order), (track) =>
          row(name, track, places[name].place[track], elsewhere(track), why(model, track))));
      }
    }

    /* ---- 3. the tasks, one by one ---- */

    const sliders = content.parts.map((each, t) => {
      const { label: name, hint } = TASKS[each.id];
      const range = make("input", { type: "range", min: 0, max: 100, step: 1, id: id("weight"),
        oninput: () => {
          change({ weights: state.weights.map((w, i) => (i === t ? Number(range.value) : w)) });
          const first = blended.querySelector('[data-list="blend"] .pg-row');
          if (first) say(`First in your blend: ${called(Number(first.dataset.track))}.`, 800);
        } });
      const share = make("output", { for: range.id });
      const box = make("div", { class: `pg-slider pg-task-${each.id}` },
        make("label", { for: range.id }, make("b", {}, name), ` ${hint}`), range, share);
      return { range, share, box, name };
    });
    const blended = make("div", { class: "pg-pair" });
    const slopes = make("svg", { class: "pg-slopes", "aria-hidden": "true" });
    const preset = (text, weights) => button(text, () => {
      change({ weights });
      say(`Weights: ${shares().map((share, t) => `${sliders[t].name} ${Math.round(100 * share)} percent`).join(", ")}.`);
    }, { class: "pg-small" });
    const presets = make("div", { class: "pg-actions" },
      preset("As in training", state.weights.slice()),
      ...content.parts.map((each, t) => preset(`${TASKS[each.id].label} alone`,
        content.parts.map((_, i) => (i === t ? 100 : 0)))),
      preset("All alike", content.parts.map(() => 100)));

    function shares() {
      const total = state.weights.reduce((sum, weight) => sum + weight, 0);
      return state.weights.map((weight) => (total ? weight / total : 0));
    }

    function drawSliders() {
      shares().forEach((share, t) => {
        const { range, share: output } = sliders[t];
        range.value = state.weights[t];
        range.style.setProperty("--pg-at", `${state.weights[t]}%`);
        output.textContent = `${Math.round(100 * share)} %`;
        range.setAttribute("aria-valuetext", `${Math.round(100 * share)} percent of the blend`);
      });
    }

    function drawBlend() {
      blended.replaceChildren();
      if (!scored.musig || content.parts.length < 2) return;
      const scores = content.parts.map((each) => scored[each.id]);
      const blend = mixed(scores, state.weights, state.seeds);
      const message = "All sliders are at 0. Move one to the right.";
      if (!blend) {
        blended.append(make("p", { class: "pg-note" }, message));
        drawSlopes();
        return;
      }
      const mix = placed(ranking(blend, state.seeds));
      const spreads = scores.map((each) => spread(each, state.seeds));
      const high = (track, t) => (spreads[t].deviation > 0
        ? (scores[t][track] - spreads[t].mean) / spreads[t].deviation : 0);
      const tasks = (track) => {
        const text = content.parts.map((each, t) => `${TASKS[each.id].label} ${two(high(track, t))}`);
        return make("div", { class: "pg-tasks", role: "img", title: text.join(", "),
          "aria-label": `Deviations above the mean by task: ${text.join(", ")}` },
        ...content.parts.map((each, t) => {
          const bar = make("span", { class: `pg-task pg-task-${each.id}` });
          bar.style.width = `${Math.max(2, 100 * Math.min(1, high(track, t) / HIGH))}%`;
          return bar;
        }));
      };
      const moved = (here, there, other) => {
        const by = there - here;
        const way = by > 0 ? "▲" : by < 0 ? "▼" : "=";
        const said = by > 0 ? "higher than there" : by < 0 ? "lower than there" : "the same there";
        return make("p", { class: "pg-why" }, `${other} `, make("b", {}, whole(there)), " ",
          make("span", { class: by > 0 ? "pg-up" : by < 0 ? "pg-down" : null },
            by ? `${way} ${whole(Math.abs(by))}` : way, hidden(` ${said}`)));
      };
      const { order, place } = places.musig;
      blended.append(
        list("blend", "Your blend", "A model for each task, blended afterwards.",
          listed(mix.order), (track) => row("blend", track, mix.place[track],
            moved(mix.place[track], place[track], "MUSIG"), tasks(track))),
        slopes,
        list("joint", "MUSIG", "One model, taught by all these tasks at once.",
          listed(order), (track) => row("joint", track, place[track],
            moved(place[track], mix.place[track], "blend"), tasks(track))));
      showPlaying();
      drawSlopes();
    }

    /* Lines between the same track in the two lists. */
    function drawSlopes() {
      slopes.replaceChildren();
      const box = slopes.getBoundingClientRect();
      if (!slopes.isConnected || box.width < 8) return;
      slopes.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
      const middle = (element) => {
        const at = element.querySelector(".pg-place").getBoundingClientRect();
        return at.top + at.height / 2 - box.top;
      };
      const rows = (key) => [...blended.querySelectorAll(`[data-list="${key}"] .pg-row`)];
      const right = new Map(rows("joint").map((each) => [each.dataset.track, middle(each)]));
      const left = new Map(rows("blend").map((each) => [each.dataset.track, middle(each)]));
      const w = box.width;
      for (const [track, y] of left) {
        const to = right.get(track);
        if (to === undefined) slopes.append(make("circle", { cx: 3, cy: y, r: 2.5, class: "pg-lone" }));
        else {
          slopes.append(make("path", { "data-track": track,
            d: `M0 ${y} C ${w / 2} ${y}, ${w / 2} ${to}, ${w} ${to}` }));
        }
      }
      for (const [track, y] of right) {
        if (!left.has(track)) slopes.append(make("circle", { cx: w - 3, cy: y, r: 2.5, class: "pg-lone" }));
      }
    }

    /* ---- the state, and the address that keeps it ---- */

    let writing = 0;
    function change(what) {
      const seeds = what.seeds !== undefined;
      Object.assign(state, what);
      draw(seeds || what.onlyHeard !== undefined || what.length !== undefined);
      clearTimeout(writing);
      writing = setTimeout(keep, 300);
    }

    function draw(all = true) {
      if (all) {
        drawSeeds();
        complete();
        drawMethods();
      }
      drawSliders();
      drawBlend();
      const few = state.seeds.length < FEWEST;
      for (const each of later) each.classList.toggle("pg-waiting", few);
      showPlaying();
    }

    function keep() {
      const hash = `#playlist=${content.key}.${state.seeds.join("-")}.${state.weights.join("-")}`;
      try {
        history.replaceState(null, "", hash);
      } catch {
        // the address cannot be written here; the page works without
      }
    }

    function restore(otherwise) {
      const [key, seeds = "", weights = ""] =
        (location.hash.match(/^#playlist=([\w.-]+)$/) || ["", ""])[1].split(".");
      if (!key) return false;
      const given = [...new Set(seeds.split("-").filter(Boolean).map(Number))];
      const sliders = weights.split("-").map(Number);
      const fits = key === content.key && given.length <= MOST
        && given.every((track) => Number.isInteger(track) && track < data.n);
      if (!fits) {
        say(`The link is for other data than this page has. ${otherwise}`);
        return false;
      }
      const usable = sliders.length === state.weights.length
        && sliders.every((weight) => weight >= 0 && weight <= 100);
      const example = content.examples.findIndex((each) =>
        each.seeds.length === given.length && each.seeds.every((seed) => given.includes(seed)));
      Object.assign(state, { seeds: given, example, weights: usable ? sliders : state.weights });
      return true;
    }

    /* ---- all of it ---- */

    const only = make("input", { type: "checkbox", id: id("heard"),
      onchange: () => change({ onlyHeard: only.checked }) });
    const many = make("select", { id: id("length"),
      onchange: () => change({ length: Number(many.value) }) },
    ...[5, 10, 20].map((length) =>
      make("option", { value: length, selected: length === state.length }, String(length))));
    const scales = data.features.filter((name) => UNITS[name]);
    const key = make("p", { class: "pg-note" },
      `Small bars, from the left: ${data.features.join(", ")}. They go from 0 to 1`
      + `${scales.length ? `, ${scales.join(" and ")} from the lowest to the highest here` : ""}; open them for numbers. `
      + "Beside them is the place of the same track in the other lists; the number before a track is its place among all. "
      + "A dashed genre is that of no seed.");
    const second = part(2, "Three methods complete it",
      make("div", { class: "pg-actions" },
        heard ? make("span", {}, only, " ",
          make("label", { for: only.id }, `Only tracks that can be played (${whole(heard)})`)) : null,
        make("span", {}, make("label", { for: many.id }, "Length of the lists"), " ", many)),
      data.features.length ? key : null,
      columns);
    const third = part(3, "What does multi-task supervision do?",
      make("p", {},
        "The sliders blend models that saw one task each. Beside them is MUSIG, which saw all these tasks "
        + "while it was trained. Where lines cross, or end, training together gave something else than blending afterwards. "
        + "The coloured bars of a track tell how far above the mean each of these models puts it."),
      make("div", { class: "pg-sliders" }, ...sliders.map((each) => each.box)),
      presets, blended);
    const later = content.parts.length > 1 ? [second, third] : [second];

    root.append(
      part(1, "Pick three to ten tracks",
        make("div", { class: "pg-find" }, label, input, listbox, none),
        make("div", { class: "pg-actions" },
          button(`Another example of ${content.examples[0].seeds.length}`, example),
          button("Surprise me", surprise),
          button("Clear", () => {
            change({ seeds: [], example: -1 });
            input.focus();
          })),
        note, chosen),
      ...later, now, live);
    root.querySelector(".pg-wait").remove();

    const mark = (event) => {
      const over = event.type === "mouseleave" ? null : event.target.closest("[data-track]");
      const track = over ? over.dataset.track : "";
      for (const each of root.querySelectorAll("[data-track]")) {
        each.classList.toggle("pg-same", each.dataset.track === track);
      }
    };
    for (const kind of ["mouseover", "mouseleave", "focusin"]) root.addEventListener(kind, mark);
    new ResizeObserver(drawSlopes).observe(blended);
    window.addEventListener("hashchange", () => {
      if (restore("The list stays as it is.")) draw();
    });
    if (!restore("Here is an example instead.")) {
      Object.assign(state, { seeds: content.examples[0].seeds.slice(), example: 0 });
    }
    if (root.clientWidth < NARROW) many.value = state.length = 5;
    draw();
    root.musig = { data, state, scores: window.musigScores };
  }

  for (const root of document.querySelectorAll(".musig-playground")) start(root);
})();
