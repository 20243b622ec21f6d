"use strict";
(() => {
  const page = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 560px)");
  const touch = window.matchMedia("(pointer: coarse)");
  const logarithmic = new Set();
  const drawn = new Set();
  const ranges = new Map(); // id of a chart → [from, to] in ms, where it is zoomed in
  const DAY = 86400000;
  const CANDLES_MAX = { wide: 600, narrow: 200 };
  const CROWD = 150; // trades on one screen from which their marks are small

  // Figures name what a colour means; the page's theme says what it looks like.
  const coloured = (part, colours) => {
    if (typeof part === "string") return colours[part] ?? part;
    if (Array.isArray(part)) return typeof part[0] === "object" || String(part[0])[0] === "@" ? part.map((item) => coloured(item, colours)) : part;
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value, colours)]));
  };

  // First index whose value is not below the wanted one, in ascending values.
  const lowest = (values, wanted) => {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  // Marks of the visible span, and of three-point lines (from, to, gap) those that reach into it.
  const within = (trace, from, to) => {
    const seen = (at) => trace.x[at] >= from && trace.x[at] <= to;
    const reaching = (at) => trace.x[at - (at % 3)] <= to && trace.x[at - (at % 3) + 1] >= from;
    const kept = [...trace.x.keys()].filter(trace.mode === "markers" ? seen : reaching);
    for (const column of ["x", "y", "text"]) if (trace[column]) trace[column] = kept.map((at) => trace[column][at]);
  };

  // Candles and lines of the visible span, as fine as the screen and the page's data allow.
  const zoomIn = (figure, detail, [from, to]) => {
    const begin = Math.max(0, lowest(detail.x, from) - 1);
    const end = Math.min(detail.x.length, lowest(detail.x, to) + 1);
    const step = Math.max(1, Math.ceil((end - begin) / (narrow.matches ? CANDLES_MAX.narrow : CANDLES_MAX.wide)));
    const [open, high, low, close] = detail.candles;
    const x = [];
    const view = { open: [], high: [], low: [], close: [] };
    const lasts = [];
    for (let at = begin; at < end; at += step) {
      const next = Math.min(at + step, end);
      x.push(detail.x[at]);
      view.open.push(open[at]);
      view.high.push(Math.max(...high.slice(at, next)));
      view.low.push(Math.min(...low.slice(at, next)));
      view.close.push(close[next - 1]);
      lasts.push(next - 1);
    }
    for (const trace of figure.data) {
      if (trace.type === "candlestick") Object.assign(trace, view, { x });
      if (trace.meta?.series !== undefined) {
        trace.x = x;
        trace.y = lasts.map((at) => detail.series[trace.meta.series][at]);
      } else if (trace.type === "scatter") within(trace, from, to);
    }
    const bottom = Math.min(...view.low);
    const top = Math.max(...view.high);
    const edge = (top - bottom) * 0.06 || top * 0.01;
    figure.layout.xaxis.range = [from, to];
    figure.layout.yaxis.range = [bottom - edge, top + edge];
  };

  const markTrades = (figure, range) => {
    const marks = figure.data.filter((trace) => trace.mode === "markers");
    const inside = (time) => !range || (time >= range[0] && time <= range[1]);
    const count = marks.reduce((sum, trace) => sum + trace.x.filter(inside).length, 0);
    for (const trace of marks) trace.marker.size = count > 2 * CROWD ? 4 : 9;
  };

  const draw = (id) => {
    const figure = coloured(page.figures[id], dark.matches ? page.dark : page.light);
    if (narrow.matches) {
      figure.layout.margin = { ...figure.layout.margin, l: 44, r: 6 };
      figure.layout.font.size = 11;
      for (const trace of figure.data) trace.name = trace.name?.split(" = ")[0].slice(0, 14);
    }
    // A finger that moves over a chart scrolls the page.
    figure.layout.dragmode = touch.matches ? false : "zoom";
    if (logarithmic.has(id)) figure.layout.yaxis.type = "log";
    if (page.details[id]) {
      markTrades(figure, ranges.get(id));
      if (ranges.has(id)) zoomIn(figure, page.details[id], ranges.get(id));
    }
    const chart = document.getElementById(id);
    const config = { responsive: false, displaylogo: false, displayModeBar: false };
    window.Plotly.react(chart, figure.data, figure.layout, config);
    if (!drawn.has(id) && page.details[id]) chart.on("plotly_relayout", (change) => onZoom(id, change));
    drawn.add(id);
  };

  const press = (id, days) => {
    for (const button of document.querySelectorAll(`[data-chart="${id}"] button[data-days]`))
      button.setAttribute("aria-pressed", String(button.dataset.days === days));
  };

  const onZoom = (id, change) => {
    if (change["xaxis.autorange"]) {
      ranges.delete(id);
      press(id, "all");
    } else if (change["xaxis.range[0]"] !== undefined) {
      const moment = (value) => (typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`));
      ranges.set(id, [moment(change["xaxis.range[0]"]), moment(change["xaxis.range[1]"])]);
      press(id, "");
    } else return;
    draw(id);
  };

  const onSpan = (id, days) => {
    const times = page.details[id].x;
    const last = times[times.length - 1];
    const old = ranges.get(id);
    if (days === "all") ranges.delete(id);
    else {
      const half = (Number(days) * DAY) / 2;
      const middle = old ? (old[0] + old[1]) / 2 : last - half;
      ranges.set(id, [middle - half, middle + half]);
    }
    press(id, days);
    draw(id);
  };

  const onTrade = (id, step) => {
    const entries = page.figures[id].data.filter((trace) => trace.meta?.entries).flatMap((trace) => trace.x);
    entries.sort((one, other) => one - other);
    if (!entries.length) return;
    const zoomed = ranges.get(id);
    const last = page.details[id].x[page.details[id].x.length - 1];
    const [from, to] = zoomed ?? [last - 5 * DAY, last + 5 * DAY];
    const middle = (from + to) / 2;
    const at = step > 0 ? lowest(entries, middle + 1) : lowest(entries, middle - 1) - 1;
    const entry = entries[Math.min(Math.max(at, 0), entries.length - 1)];
    ranges.set(id, [entry - (to - from) / 2, entry + (to - from) / 2]);
    if (!zoomed) press(id, "");
    draw(id);
  };

  // A trade of the table, with as much of the market around it as it lasted, and 20 candles at least.
  const onShow = ({ id, from, to }) => {
    const times = page.details[id].x;
    const candle = times.length > 1 ? times[1] - times[0] : DAY;
    const end = to ?? times[times.length - 1];
    const edge = Math.max(20 * candle, (end - from) / 2);
    ranges.set(id, [from - edge, end + edge]);
    press(id, "");
    draw(id);
    document.getElementById(id).closest("section").scrollIntoView({ block: "start" });
  };
  document.addEventListener("showtrade", (event) => onShow(event.detail));

  for (const button of document.querySelectorAll("button[data-log]")) {
    button.addEventListener("click", () => {
      const id = button.dataset.log;
      const on = !logarithmic.delete(id) && Boolean(logarithmic.add(id));
      button.setAttribute("aria-pressed", String(on));
      draw(id);
    });
  }
  for (const button of document.querySelectorAll("[data-chart] button")) {
    const id = button.parentElement.dataset.chart;
    const { days, step } = button.dataset;
    button.addEventListener("click", () => (days ? onSpan(id, days) : onTrade(id, Number(step))));
  }

  const charts = [...document.querySelectorAll(".chart")];
  for (const chart of charts) chart.style.minHeight = `${chart.dataset.height}px`;
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        draw(entry.target.id);
      }
    },
    { rootMargin: "400px" },
  );
  for (const chart of charts) seen.observe(chart);
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (drawn.has(target.id)) window.Plotly.Plots.resize(target);
  });
  for (const chart of charts) sized.observe(chart);
  for (const query of [dark, narrow]) query.addEventListener("change", () => drawn.forEach(draw));
  window.addEventListener("beforeprint", () => charts.forEach((chart) => drawn.has(chart.id) || draw(chart.id)));
})();
