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

  const shownRows = new Map(); // {id of a table: what gives its rows, where not all of them are shown}

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
    shownRows.set("table-examples", () => fitting());

    function fitting() {
      const wanted = plain(search.value);
      return order.filter(
        (row) =>
          texts.get(row).includes(wanted) &&
          (!ofTask.value || row.dataset.task === ofTask.value) &&
          (!ofOutcome?.value || row.dataset.outcome === ofOutcome.value),
      );
    }

    function show() {
      const all = fitting();
      if (start >= all.length) start = 0;
      const page = new Set(all.slice(start, start + PAGE));
      for (const row of rows) row.hidden = !page.has(row);
      found.textContent = all.length
        ? `Items ${start + 1}–${start + page.size} of ${all.length}`
        : "No item fits: change the search or the filters";
      earlier.disabled = start === 0;
      later.disabled = start + PAGE >= all.length;
      earlier.parentElement.hidden = all.length <= PAGE;
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

  /* A table as a spreadsheet has it: figures with all their digits, texts that it would take for a formula after an
     apostrophe. An answer has its scores in columns of their own. */
  function csv(table) {
    const quoted = (text) => {
      const safe = /^\s*[-=+@＝＋－＠]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
      return `"${safe.replaceAll('"', '""')}"`;
    };
    const figure = (cell) => cell.dataset.sort !== undefined && cell.dataset.sort !== "" && !Number.isNaN(Number(cell.dataset.sort));
    const said = (cell) => (cell.querySelector(".text") ?? cell).textContent.replace(/\s+/g, " ").trim();
    const scores = (cell) => ["metric", "reward", "independent", "content"].filter((name) => name in cell.dataset);
    const all = [...table.querySelectorAll("tbody tr")];
    const rows = shownRows.get(table.id)?.() ?? all.filter((row) => !row.classList.contains("group"));
    const models = [...table.tHead.rows[0].cells];
    const scored = models.map((_, place) => [...new Set(all.flatMap((row) => (row.cells[place] ? scores(row.cells[place]) : [])))]);
    const unit = (cell) => cell.querySelector(".unit")?.textContent.trim();
    const name = (cell) => (cell.querySelector("button") ?? cell.firstChild).textContent.trim() + (unit(cell) ? ` (${unit(cell)})` : "");
    const head = ["part", ...models.flatMap((cell, place) => [name(cell), ...scored[place].map((of) => `${name(cell)}: ${of}`)])];
    const part = (row) => row.dataset.task ?? row.parentElement.querySelector(".group")?.textContent.trim() ?? "";
    const line = (row) => [
      part(row),
      ...[...row.cells].flatMap((cell, place) => [
        figure(cell) ? cell.dataset.sort : said(cell),
        ...scored[place].map((of) => cell.dataset[of] ?? ""),
      ]),
    ];
    return [head, ...rows.map(line)].map((values) => values.map(quoted).join(",")).join("\r\n");
  }

  for (const button of document.querySelectorAll("button.csv")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff", csv(document.getElementById(button.dataset.table))], { type: "text/csv" }));
      link.download = `${button.dataset.table.replace("table-", "")}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
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
