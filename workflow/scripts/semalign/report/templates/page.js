"use strict";
(() => {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const announcer = document.getElementById("announcer");

  const empty = (value) => value === "" || (typeof value === "number" && Number.isNaN(value));

  /* Values without a figure stay last in both directions; equal ones keep their order. */
  function sorted(rows, valueOf, direction) {
    const keyed = rows.map((row) => [valueOf(row), row]);
    keyed.sort(([a], [b]) => {
      if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
      const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
      return direction === "descending" ? -order : order;
    });
    return keyed.map(([, row]) => row);
  }

  /* From none to the first direction, to the other, to none again. */
  function turn(button, first) {
    const head = button.closest("th");
    const other = first === "ascending" ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const next = now === first ? other : now === other ? null : first;
    for (const th of head.parentElement.cells) th.removeAttribute("aria-sort");
    if (next) head.setAttribute("aria-sort", next);
    announcer.textContent = next ? `Sorted by ${button.textContent}, ${next}` : "In the original order";
    return next;
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const groups = [...table.tBodies].map((body) => ({
      body,
      rows: [...body.rows].filter((row) => !row.classList.contains("group")),
    }));
    for (const button of table.tHead.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        const column = button.closest("th").cellIndex;
        const number = button.dataset.kind === "number";
        const direction = turn(button, number ? "descending" : "ascending");
        const valueOf = (row) => {
          const cell = row.cells[column];
          const value = cell.dataset.sort ?? cell.textContent.trim();
          return cell.dataset.sort !== undefined && !Number.isNaN(Number(value)) ? Number(value) : value === "nan" ? NaN : value;
        };
        for (const { body, rows } of groups) body.append(...(direction ? sorted(rows, valueOf, direction) : rows));
      });
    }
  }

  const table = document.getElementById("table-examples");
  if (table) {
    const PAGE = 20;
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
    const texts = new Map(rows.map((row) => [row, plain(row.textContent)]));
    const search = document.getElementById("search");
    const ofTask = document.getElementById("of-task");
    const ofOutcome = document.getElementById("of-outcome");
    const byScore = document.getElementById("by-score");
    const found = document.getElementById("found");
    const earlier = document.getElementById("earlier");
    const later = document.getElementById("later");
    let order = rows;
    let start = 0;

    function show() {
      const wanted = plain(search.value);
      const fitting = order.filter(
        (row) =>
          texts.get(row).includes(wanted) &&
          (!ofTask.value || row.dataset.task === ofTask.value) &&
          (!ofOutcome?.value || row.dataset.outcome === ofOutcome.value),
      );
      if (start >= fitting.length) start = 0;
      const page = new Set(fitting.slice(start, start + PAGE));
      for (const row of rows) row.hidden = !page.has(row);
      found.textContent = fitting.length
        ? `Items ${start + 1}–${start + page.size} of ${fitting.length}`
        : "No item fits: change the search or the filters";
      earlier.disabled = start === 0;
      later.disabled = start + PAGE >= fitting.length;
      earlier.parentElement.hidden = fitting.length <= PAGE;
    }

    function sortBy(button, direction) {
      const column = button.closest("th").cellIndex;
      const score = button.dataset.by === "score";
      const valueOf = (row) => {
        const cell = row.cells[column];
        if (score) return cell.dataset[byScore.value] === undefined ? NaN : Number(cell.dataset[byScore.value]);
        return (cell.querySelector(".text") ?? cell).textContent.trim();
      };
      order = direction ? sorted(rows, valueOf, direction) : rows;
      body.append(...order);
      start = 0;
      show();
    }

    for (const button of table.tHead.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        sortBy(button, turn(button, button.dataset.by === "score" ? "descending" : "ascending"));
      });
    }
    byScore.addEventListener("change", () => {
      const head = table.tHead.querySelector("[aria-sort]");
      if (head) sortBy(head.querySelector("button"), head.getAttribute("aria-sort"));
    });
    const afresh = () => {
      start = 0;
      show();
    };
    search.addEventListener("input", afresh);
    for (const select of [ofTask, ofOutcome]) select?.addEventListener("change", afresh);
    search.form.addEventListener("submit", (event) => event.preventDefault());
    const leaf = (by) => {
      start += by;
      show();
      document.getElementById("found").scrollIntoView({ block: "start" });
    };
    earlier.addEventListener("click", () => leaf(-PAGE));
    later.addEventListener("click", () => leaf(PAGE));
    show();
  }

  /* Only what can be scrolled is a stop for the Tab key. */
  const regions = document.querySelectorAll(".scroll");
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const region of regions) watch.observe(region);

  /* A picture wider than the screen begins at its first box. */
  for (const region of document.querySelectorAll(".scroll.picture")) {
    const first = region.querySelector("svg rect");
    if (first) region.scrollLeft += first.getBoundingClientRect().left - region.getBoundingClientRect().left - 24;
  }

  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const spy = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(target.id)?.setAttribute("aria-current", "location");
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  for (const id of links.keys()) spy.observe(document.getElementById(id));
})();
