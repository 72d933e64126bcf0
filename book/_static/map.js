/* Maps to look into: two linked panels in place of a figure of the same map.
 *
 * A page holds, somewhere, <div class="musig-map" data-figure="ID" hidden> with a script of type
 * application/json (musig/pages/maps.py writes it). The panels go into the figure ID, before its
 * caption; its picture stays for print, and for readers without scripts. Nothing is loaded.
 */
(() => {
  "use strict";

  const SIZE = 1000; // of a panel, in the numbers of the data
  const COLOURED = 6; // genres with a colour and a shape; the others are grey dots
  const FOUND = 8; // tracks listed by the search
  const SVG = "http://www.w3.org/2000/svg";

  // Shapes around (x, y), as paths: those of the figures, in the same order.
  const SHAPES = [
    (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
    (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    (x, y, r) => `M${x} ${y - 1.3 * r}l${1.2 * r} ${2.2 * r}h${-2.4 * r}z`,
    (x, y, r) => `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z`,
    (x, y, r) => `M${x} ${y + 1.3 * r}l${1.2 * r} ${-2.2 * r}h${-2.4 * r}z`,
    (x, y, r) => {
      const a = 0.45 * r, b = 0.85 * r; // a plus of two bars
      return `M${x - a} ${y - a - b}h${2 * a}v${b}h${b}v${2 * a}h${-b}v${b}h${-2 * a}v${-b}h${-b}v${-2 * a}h${b}z`;
    },
  ];
  const DOT = 8, SMALL = 5;

  const shape = (genre, x, y, r) => (genre >= 0 && genre < COLOURED ? SHAPES[genre](x, y, r) : SHAPES[0](x, y, r));
  const kind = (genre) => (genre >= 0 && genre < COLOURED ? `g${genre}` : "rest");

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function drawn(name, attributes = {}) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  function start(box) {
    const figure = document.getElementById(box.dataset.figure);
    const source = box.querySelector('script[type="application/json"]');
    if (box.dataset.ready || !figure || !source) return;
    box.dataset.ready = "yes";
    const data = JSON.parse(source.textContent);
    const n = data.titles.length;
    const id = box.dataset.figure;
    const title = (t) => data.titles[t];
    const genre = (t) => (data.genre[t] < 0 ? "genre unknown" : data.genres[data.genre[t]]);
    const artist = (t) => (data.artist[t] < 0 ? "" : data.artists[data.artist[t]]);
    const words = (t) => `${title(t)}${artist(t) ? ` by ${artist(t)}` : ""}, ${genre(t)}`;

    let pinned = -1, hovered = -1, chosen = null;

    const app = element("div", { class: "musig-map-app" });
    const told = element("p", { class: "musig-map-told" });
    const live = element("p", { class: "visually-hidden", "aria-live": "polite" });

    /* The search: a combobox with a list of tracks. */
    const field = element("input", {
      type: "search", id: `${id}-find`, role: "combobox", autocomplete: "off", placeholder: "title or artist",
      "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": `${id}-list`,
    });
    const list = element("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Tracks found", hidden: "" });
    const asked = data.titles.map((each, t) => plain(`${each} ${artist(t)}`));
    let found = [], active = -1;

    function close() {
      found = [];
      active = -1;
      list.hidden = true;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    }
    function listed() {
      close();
      const text = plain(field.value.trim());
      for (let t = 0; t < n && text && found.length < FOUND; t++) if (asked[t].includes(text)) found.push(t);
      if (!found.length) return;
      list.replaceChildren(...found.map((t, row) => {
        const option = element("li", { role: "option", id: `${id}-o${row}`, "aria-selected": "false", dir: "auto" }, words(t));
        option.addEventListener("mousedown", (event) => event.preventDefault()); // the search keeps the focus
        option.addEventListener("click", () => taken(t));
        return option;
      }));
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
    }
    function taken(t) {
      field.value = title(t);
      close();
      pin(t);
    }
    field.addEventListener("input", listed);
    field.addEventListener("blur", close);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { field.value = ""; close(); pin(-1); return; }
      if (event.key === "Enter" && found.length) { event.preventDefault(); taken(found[Math.max(active, 0)]); return; }
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      if (!found.length) listed();
      if (!found.length) return;
      event.preventDefault();
      active = (active + by + found.length + (active < 0 && by < 0 ? 1 : 0)) % found.length;
      [...list.children].forEach((option, row) => option.setAttribute("aria-selected", String(row === active)));
      field.setAttribute("aria-activedescendant", `${id}-o${active}`);
    });

    /* The legend: a button a genre, which brings it forward. */
    const legend = element("div", { class: "musig-map-genres", role: "group", "aria-label": "Bring a genre forward" });
    const kinds = data.genres.map((name, g) => [g, name]);
    if (data.genre.some((g) => g < 0)) kinds.push([-1, "unknown"]);
    const buttons = new Map(kinds.map(([g, name]) => {
      const sign = drawn("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
      sign.append(drawn("path", { d: shape(g, 12, 12, g >= 0 && g < COLOURED ? 7 : 4), class: kind(g) }));
      const button = element("button", { type: "button", "aria-pressed": "false" }, sign, name);
      button.addEventListener("click", () => { chosen = chosen === g ? null : g; forward(); });
      return [g, button];
    }));
    legend.append(...buttons.values());

    /* The panels. */
    const row = element("div", { class: "musig-map-panels" });
    const panels = [0, data.views.length - 1].map((view, place) => panel(view, place));
    row.append(...panels.map((each) => each.box));

    function panel(first, place) {
      const own = { view: first };
      own.box = element("div", { class: "musig-map-panel" });
      if (data.views.length > 2) {
        const select = element("select", { "aria-label": place ? "Right map" : "Left map" });
        data.views.forEach((view, v) => select.append(element("option", { value: v }, view.name)));
        select.value = first;
        select.addEventListener("change", () => { own.view = Number(select.value); draw(own); marks(own); near(own); });
        own.box.append(select);
      } else {
        own.box.append(element("p", { class: "musig-map-name" }, data.views[first].name));
      }
      own.svg = drawn("svg", { viewBox: `-30 -30 ${SIZE + 60} ${SIZE + 60}`, "aria-hidden": "true" });
      own.points = drawn("g");
      own.marks = drawn("g", { class: "marks" });
      own.svg.append(own.points, own.marks);
      own.plot = element("div", { class: "musig-map-plot", tabindex: "0", role: "group" }, own.svg);
      own.near = element("div", { class: "musig-map-near" });
      own.box.append(own.plot, own.near);
      own.plot.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") hover(at(own, event, 18)); });
      own.plot.addEventListener("pointerleave", () => hover(-1));
      own.plot.addEventListener("click", (event) => { const t = at(own, event, 30); pin(t === pinned ? -1 : t); });
      own.plot.addEventListener("keydown", (event) => moved(own, event));
      return own;
    }

    function draw(own) {
      const { x, y, name } = data.views[own.view];
      const paths = new Map();
      for (let t = 0; t < n; t++) {
        const g = data.genre[t];
        const part = shape(g, x[t], y[t], g >= 0 && g < COLOURED ? DOT : SMALL);
        paths.set(g, (paths.get(g) || "") + part);
      }
      const order = [...paths.keys()].sort((a, b) => (a < 0 || a >= COLOURED ? 0 : 1) - (b < 0 || b >= COLOURED ? 0 : 1));
      own.paths = new Map(order.map((g) => [g, drawn("path", { d: paths.get(g), class: kind(g) })]));
      own.points.replaceChildren(...own.paths.values());
      own.plot.setAttribute("aria-label", `Map: ${name}. Arrow keys go from track to track, Escape leaves the track.`);
      if (chosen !== null) brought(own);
    }

    function brought(own) {
      own.svg.classList.toggle("faded", chosen !== null);
      for (const [g, path] of own.paths) path.classList.toggle("front", g === chosen);
      if (own.paths.has(chosen)) own.points.append(own.paths.get(chosen)); // on top
    }
    function forward() {
      for (const [g, button] of buttons) button.setAttribute("aria-pressed", String(g === chosen));
      panels.forEach(brought);
      const count = data.genre.filter((g) => g === chosen).length;
      const tracks = count === 1 ? "1 track" : `${count} tracks`;
      live.textContent = chosen === null ? "All genres." : `${buttons.get(chosen).textContent}: ${tracks} brought forward.`;
    }

    /* The track under a pointer, as far as so many pixels away. */
    function at(own, event, pixels) {
      const room = own.svg.getBoundingClientRect();
      const scale = (SIZE + 60) / room.width;
      const px = (event.clientX - room.left) * scale - 30, py = (event.clientY - room.top) * scale - 30;
      const { x, y } = data.views[own.view];
      let best = -1, least = (pixels * scale) ** 2;
      for (let t = 0; t < n; t++) {
        if (chosen !== null && data.genre[t] !== chosen) continue;
        const d = (x[t] - px) ** 2 + (y[t] - py) ** 2;
        if (d < least) { least = d; best = t; }
      }
      return best;
    }

    /* The nearest track in the direction of an arrow key. */
    function moved(own, event) {
      if (event.key === "Escape") { pin(-1); return; }
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const { x, y } = data.views[own.view];
      const [cx, cy] = pinned < 0 ? [SIZE / 2, SIZE / 2] : [x[pinned], y[pinned]];
      let best = -1, least = Infinity;
      for (let t = 0; t < n; t++) {
        if (t === pinned || (chosen !== null && data.genre[t] !== chosen)) continue;
        const dx = x[t] - cx, dy = y[t] - cy;
        const along = dx * way[0] + dy * way[1], across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (pinned >= 0 && (along <= 0 || across > along)) continue;
        const d = dx * dx + dy * dy;
        if (d < least) { least = d; best = t; }
      }
      if (best >= 0) pin(best);
    }

    function hover(t) {
      if (t === hovered) return;
      hovered = t;
      shown();
    }
    function pin(t) {
      pinned = t;
      hovered = -1;
      shown();
      panels.forEach(near);
      live.textContent = t < 0 ? "No track chosen." : `${words(t)}. ` + panels.map((own) => {
        const view = data.views[own.view];
        return `Nearest, ${view.name}: ${view.near[t].map(title).join("; ")}.`;
      }).join(" ");
    }
    function shown() {
      const t = hovered >= 0 ? hovered : pinned;
      told.replaceChildren();
      if (t < 0) told.append("Point at a track, or find one by its name.");
      else {
        told.append(element("strong", {}, element("bdi", {}, title(t))));
        if (artist(t)) told.append(" by ", element("bdi", {}, artist(t)));
        told.append(` · ${genre(t)}`);
      }
      panels.forEach(marks);
    }

    function marks(own) {
      const t = hovered >= 0 ? hovered : pinned;
      own.marks.replaceChildren();
      if (t < 0) return;
      const { x, y, near: around } = data.views[own.view];
      for (const u of around[t]) {
        own.marks.append(
          drawn("line", { x1: x[t], y1: y[t], x2: x[u], y2: y[u] }),
          drawn("path", { d: shape(data.genre[u], x[u], y[u], DOT + 3), class: kind(data.genre[u]) }),
        );
      }
      own.marks.append(
        drawn("circle", { cx: x[t], cy: y[t], r: 26 }),
        drawn("path", { d: shape(data.genre[t], x[t], y[t], DOT + 5), class: kind(data.genre[t]) }),
      );
      const name = [...title(t)], right = x[t] > SIZE / 2;
      const label = drawn("text", {
        x: x[t] + (right ? -36 : 36), y: y[t] + (y[t] < 60 ? 44 : -20), "text-anchor": right ? "end" : "start",
      });
      label.textContent = name.length > 26 ? `${name.slice(0, 25).join("")}…` : name.join("");
      own.marks.append(label);
    }

    function near(own) {
      own.near.replaceChildren();
      if (pinned < 0) return;
      own.near.append(element("p", {}, "Nearest in this embedding"));
      own.near.append(element("ol", {}, ...data.views[own.view].near[pinned].map((t) => {
        const button = element("button", { type: "button" }, element("bdi", {}, title(t)));
        button.addEventListener("click", () => pin(t));
        button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") hover(t); });
        button.addEventListener("pointerleave", () => hover(-1));
        return element("li", {}, button, ` · ${genre(t)}`);
      })));
    }

    const find = element("div", { class: "musig-map-find" }, element("label", { for: `${id}-find` }, "Find a track"), field, list);
    app.append(find, legend, told, row, live);
    for (const child of figure.children) if (child.tagName !== "FIGCAPTION") child.classList.add("musig-map-static");
    figure.insertBefore(app, figure.querySelector("figcaption"));
    figure.classList.add("musig-map-figure");
    panels.forEach(draw);
    pinned = data.start;
    shown();
    panels.forEach(near);
  }

  const all = () => document.querySelectorAll(".musig-map[data-figure]").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
})();
