"use strict";
// The table of trades: sorted by a click on a heading, filtered by the fields above it, 50 rows at a time.
(() => {
  const section = document.getElementById("trades");
  if (!section) return;
  const { rows, charts } = JSON.parse(document.getElementById("figures").textContent).trades;
  const PAGE = 50;
  const headings = [...section.querySelectorAll("thead button")];
  const columnOf = (name) => headings.findIndex((button) => button.textContent === name);
  const [SYMBOL, SIDE, ENTRY, EXIT] = ["Symbol", "Side", "Entry", "Exit"].map(columnOf);
  const [EXIT_REASON, PNL, RETURN] = ["Exit by", "PnL", "Return"].map(columnOf);
  const kinds = headings.map((button) => button.dataset.kind);
  const body = section.querySelector("tbody");
  const said = section.querySelector("[data-count]");
  const filters = Object.fromEntries([...section.querySelectorAll("select")].map((field) => [field.name, field]));
  const state = { column: 0, ascending: true, page: 0 };

  const amount = new Intl.NumberFormat("en", { maximumSignificantDigits: 10 });
  const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const shown = {
    number: (value) => amount.format(value),
    text: (value) => value,
    time: (value) => (value === null ? "open" : new Date(value).toISOString().slice(0, 16).replace("T", " ")),
    amount: (value) => amount.format(value),
    money: (value) => money.format(value),
    percent: (value) => `${money.format(value)} %`,
  };
  const outcomes = { gain: (pnl) => pnl > 0, loss: (pnl) => pnl <= 0 };

  const kept = () =>
    rows.filter(
      (row) =>
        (!filters.symbol.value || row[SYMBOL] === filters.symbol.value) &&
        (!filters.side.value || row[SIDE] === filters.side.value) &&
        (!filters.exit.value || row[EXIT_REASON] === filters.exit.value) &&
        (!filters.outcome.value || outcomes[filters.outcome.value](row[PNL])),
    );

  const ordered = (found) => {
    const { column, ascending } = state;
    const way = ascending ? 1 : -1;
    const value = (row) => row[column] ?? Infinity; // an open trade ends after all others
    return found.sort((one, other) => {
      if (value(one) === value(other)) return one[0] - other[0];
      return value(one) < value(other) ? -way : way;
    });
  };

  const cell = (row, column) => {
    const made = document.createElement("td");
    made.textContent = shown[kinds[column]](row[column]);
    if (kinds[column] !== "text") made.className = "figure";
    if (kinds[column] === "money" || column === RETURN) made.classList.add(row[PNL] < 0 ? "loss" : "gain");
    return made;
  };

  const jump = (row) => {
    const id = charts[row[SYMBOL]];
    if (!id) return;
    const detail = { id, from: row[ENTRY], to: row[EXIT] };
    document.dispatchEvent(new CustomEvent("showtrade", { detail }));
  };

  const line = (row) => {
    const made = document.createElement("tr");
    for (const column of kinds.keys()) made.append(cell(row, column));
    if (charts[row[SYMBOL]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = row[0];
      button.title = "Show it in the chart";
      button.addEventListener("click", () => jump(row));
      made.firstChild.replaceChildren(button);
    }
    return made;
  };

  const render = () => {
    const found = ordered(kept());
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const begin = state.page * PAGE;
    const part = found.slice(begin, begin + PAGE);
    body.replaceChildren(...part.map(line));
    const net = money.format(found.reduce((sum, row) => sum + row[PNL], 0));
    said.textContent = found.length
      ? `${begin + 1} to ${begin + part.length} of ${found.length} trades, PnL ${net}`
      : "No trade is of this kind.";
    for (const [column, button] of headings.entries()) {
      const sorted = state.ascending ? "ascending" : "descending";
      button.parentElement.setAttribute("aria-sort", column === state.column ? sorted : "none");
    }
    for (const button of section.querySelectorAll("[data-page]"))
      button.disabled = button.dataset.page === "-1" ? state.page === 0 : state.page === pages - 1;
  };

  for (const [column, button] of headings.entries()) {
    button.addEventListener("click", () => {
      state.ascending = state.column === column ? !state.ascending : kinds[column] === "text" || column === 0;
      state.column = column;
      state.page = 0;
      render();
    });
  }
  for (const field of Object.values(filters)) {
    field.addEventListener("change", () => {
      state.page = 0;
      render();
    });
  }
  for (const button of section.querySelectorAll("[data-page]")) {
    button.addEventListener("click", () => {
      state.page += Number(button.dataset.page);
      render();
    });
  }
  render();
})();
