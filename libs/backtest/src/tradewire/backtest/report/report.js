"use strict";
(() => {
  const page = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 560px)");
  const touch = window.matchMedia("(pointer: coarse)");
  const logarithmic = new Set();
  const drawn = new Set();

  // Figures name what a colour means; the page's theme says what it looks like.
  const coloured = (part, colours) => {
    if (typeof part === "string") return colours[part] ?? part;
    if (Array.isArray(part)) return part.map((item) => coloured(item, colours));
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value, colours)]));
  };

  const draw = (id) => {
    const figure = coloured(page.figures[id], dark.matches ? page.dark : page.light);
    if (narrow.matches) {
      figure.layout.margin = { ...figure.layout.margin, l: 44, r: 6 };
      figure.layout.font.size = 11;
      for (const trace of figure.data) trace.name = trace.name?.split(" = ")[0];
    }
    // A finger that moves over a chart scrolls the page.
    figure.layout.dragmode = touch.matches ? false : "zoom";
    if (logarithmic.has(id)) figure.layout.yaxis.type = "log";
    const config = { responsive: false, displaylogo: false, displayModeBar: false };
    window.Plotly.react(document.getElementById(id), figure.data, figure.layout, config);
    drawn.add(id);
  };

  for (const button of document.querySelectorAll("button[data-log]")) {
    button.addEventListener("click", () => {
      const id = button.dataset.log;
      const on = !logarithmic.delete(id) && Boolean(logarithmic.add(id));
      button.setAttribute("aria-pressed", String(on));
      draw(id);
    });
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
