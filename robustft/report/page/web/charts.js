// Charts are drawn when they come into view; all of them before the page is printed.
const tip = document.getElementById("tip");
const drawn = new Map(); // element of a chart -> its Vega view, once it is there
const WAITING = Symbol("being drawn");

function rowsOf(name) {
  const columns = Object.entries(rows[name]).map(([title, column]) => [
    title,
    Array.isArray(column) ? column : column.codes.map((code) => column.levels[code]),
  ]);
  const count = columns.length ? columns[0][1].length : 0;
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map(([title, column]) => [title, column[row]])),
  );
}

// As many panels beside each other as fit, and as wide as fits.
function fitted(spec, width) {
  const panels = spec.concat;
  const beside = Math.max(1, Math.min(panels.length, spec.columns, Math.floor(width / 270)));
  const gap = spec.config?.concat?.spacing?.column ?? 30;
  const whole = Math.floor((width - gap * (beside - 1)) / beside);
  return {
    ...spec,
    columns: beside,
    concat: panels.map((panel) => {
      const inner = Math.max(120, Math.min(whole - Math.max(62, labelWidth(panel)), 600));
      const height = Math.round(Math.min(340, Math.max(150, (inner * panel.height) / panel.width)));
      return {
        ...panel,
        width: inner,
        height: isNamed(panel) ? panel.height : height,
        layer: panel.layer.map((layer) => asLayer(layer, inner)),
      };
    }),
  };
}

function reservedHeight(spec) {
  const heights = spec.concat.map((panel) => panel.height + 70);
  return heights.filter((_, place) => place % spec.columns === 0).reduce((sum, height) => sum + height, 0);
}

// Rows with names have a height of their own, and the names take room that numbers do not.
function isNamed(panel) {
  return panel.layer.some((layer) => layer.encoding?.y?.type === "nominal");
}

function labelWidth(panel) {
  const longest = Math.max(...facts.methods.map((name) => name.length));
  return isNamed(panel) ? Math.min(150, 14 + 6.5 * longest) : 0;
}

// The boxes are the legend of methods.
function asLayer(layer, width) {
  const encoding = Object.fromEntries(
    Object.entries(layer.encoding ?? {}).map(([channel, part]) => [
      channel,
      ["color", "shape", "strokeDash"].includes(channel) && part.field === "strategy" ? { ...part, legend: null } : part,
    ]),
  );
  const mark = layer.mark.limit ? { ...layer.mark, limit: width + 40 } : layer.mark;
  return { ...layer, mark, encoding };
}

async function draw(host) {
  drawn.set(host, WAITING);
  const { turn } = view;
  const { spec: chart, data } = charts[host.dataset.chart];
  const width = host.clientWidth;
  const spec = fitted(chart, width);
  spec.datasets = Object.fromEntries(data.map((name) => [name, rowsOf(name)]));
  spec.params = spec.params.map((param) => ({ ...param, value: param.name === "kept" ? view.kept : shown() }));
  const canvas = document.createElement("div");
  canvas.setAttribute("aria-hidden", "true");
  const { view: vega, finalize } = await vegaEmbed(canvas, spec, {
    mode: "vega-lite",
    ast: true, // no code from texts: the page's policy forbids it
    renderer: "canvas",
    actions: false,
    defaultStyle: false,
    logLevel: 1, // errors: that nothing is drawn once all boxes are empty is none
    tooltip: showTip,
  });
  vega.addEventListener("click", (_, item) => {
    const run = item?.datum?.run;
    if (placeOfRun.has(run)) keep(view.kept === run ? null : run);
  });
  host.replaceChildren(canvas);
  host.style.minHeight = "";
  drawn.set(host, { vega, finalize, width });
  if (turn !== view.turn) steer(host);
  redraw(host); // in case it was resized meanwhile
}

function redraw(host) {
  const { finalize, width } = drawn.get(host) ?? {};
  if (!finalize || !host.clientWidth || Math.abs(width - host.clientWidth) < 24) return;
  finalize();
  drawn.delete(host);
  draw(host);
}

// Charts that are out of sight follow when they are seen.
function steer(host) {
  const chart = drawn.get(host);
  if (!chart.vega) return;
  chart.behind = !seen.has(host);
  if (!chart.behind) chart.vega.signal("shown", shown()).signal("kept", view.kept).runAsync();
}

function showTip(_, event, item, value) {
  tip.hidden = value === null || value === undefined || value === "";
  if (tip.hidden) return;
  const lines = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
  tip.replaceChildren(
    ...lines
      .filter(([, text]) => text !== "" && text !== null && text !== "NaN" && text !== "null")
      .map(([name, text]) => {
        const line = document.createElement("div");
        const label = document.createElement("span");
        label.textContent = name;
        line.append(label, ` ${text}`);
        return line;
      }),
  );
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 14 + width > innerWidth ? event.clientX - width - 10 : event.clientX + 14;
  const top = event.clientY + 14 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, top)}px`;
}

const hosts = [...document.querySelectorAll(".chart")];
const seen = new Set();
const nearby = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) see(target);
      else seen.delete(target);
    }
  },
  { rootMargin: "300px" },
);

function see(host) {
  seen.add(host);
  if (!drawn.has(host)) draw(host);
  else if (drawn.get(host).behind) steer(host);
}

let resizing = 0;
const widths = new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(() => hosts.forEach(redraw), 150);
});
for (const host of hosts) {
  host.style.minHeight = `${reservedHeight(fitted(charts[host.dataset.chart].spec, host.clientWidth))}px`;
  nearby.observe(host);
  widths.observe(host);
}

// On paper nothing can be unfolded: what belongs to the answer is.
const folded = [...document.querySelectorAll("#toolbar, .notes, :is(#area, #gates, #choices) .numbers")];
let unfolded = [];
window.addEventListener("beforeprint", () => {
  hosts.forEach(see);
  unfolded = folded.filter((part) => part.matches("details:not([open])"));
  for (const part of unfolded) part.open = true;
});
window.addEventListener("afterprint", () => {
  for (const part of unfolded) part.open = false;
});
window.addEventListener("scroll", () => (tip.hidden = true), { passive: true });
watchers.push(() => [...drawn.keys()].forEach(steer));
