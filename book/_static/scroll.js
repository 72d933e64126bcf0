/* What scrolls inside a page can be reached by keyboard and has a name; what does not, has not. */

(() => {
  const KINDS = [
    ["pre", "Code"],
    [".math", "Formula"],
    [".pst-scrollable-table-container, .table-wrapper, .output, .cell_output", "Table"],
  ];

  const scrolls = (box) => {
    const style = getComputedStyle(box);
    const may = (overflow) => overflow === "auto" || overflow === "scroll";
    return (
      (may(style.overflowX) && box.scrollWidth > box.clientWidth) ||
      (may(style.overflowY) && box.scrollHeight > box.clientHeight)
    );
  };

  const mark = () => {
    for (const [selector, kind] of KINDS) {
      const boxes = [...document.querySelectorAll(selector)].filter((box) => box.closest("main"));
      const wide = boxes.filter(scrolls); // measured first and changed after: one layout
      for (const box of boxes) {
        if (wide.includes(box)) {
          box.setAttribute("tabindex", "0");
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", `${kind}, wider than its place: scrolls`);
          box.dataset.scrolls = "";
        } else if ("scrolls" in box.dataset) {
          for (const name of ["tabindex", "role", "aria-label", "data-scrolls"]) {
            box.removeAttribute(name);
          }
        }
      }
    }
  };

  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(mark);
  };

  addEventListener("load", () => {
    soon();
    addEventListener("resize", soon);
    document.addEventListener("toggle", soon, true); // something was unfolded
    document.fonts?.ready.then(soon);
    window.MathJax?.startup?.promise?.then(soon);
  });

  /* From a folder a browser may not fetch pages, so the search shows titles without summaries. */
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
})();
