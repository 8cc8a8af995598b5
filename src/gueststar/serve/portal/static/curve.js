// The light curve: the server builds the figure (the same one a notebook shows), Plotly draws it here.

const KEPT = "gueststar.curve";
const kept = () => { try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; } };
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Plotly is 4.8 MB: stamps come first, then this. */
function loadPlotly(address) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

export class Curve {
  constructor(root, choose) {
    this.root = root;
    this.choose = choose;
    this.place = root.querySelector("[data-plot]");
    this.state = { of: "difference", unit: "flux", limits: true, forced: true, ...kept() };
    root.addEventListener("click", (event) => this.act(event.target.closest("[data-show]")?.dataset.show));
    document.addEventListener("theme", () => this.draw());
    this.label();
    this.fetch();
    loadPlotly(root.dataset.plotly).then(() => this.draw(), () => { this.place.textContent = "The plot could not be loaded; the points are in the CSV."; });
  }

  act(name) {
    if (!name) return;
    const swap = { of: ["difference", "total"], unit: ["flux", "mag"] }[name];
    this.state[name] = swap ? swap[1 - swap.indexOf(this.state[name])] : !this.state[name];
    localStorage.setItem(KEPT, JSON.stringify(this.state));
    this.label();
    this.fetch();
  }

  label() {
    for (const button of this.root.querySelectorAll("[data-show]")) {
      const value = this.state[button.dataset.show];
      const text = button.querySelector("[data-state]");
      if (text) text.textContent = value;
      else button.setAttribute("aria-pressed", value);
    }
  }

  async fetch() {
    const { of, unit, limits, forced } = this.state;
    const query = new URLSearchParams({ of, unit, limits: limits ? "yes" : "no", forced: forced ? "yes" : "no" });
    this.wanted = query.toString();
    const answer = await fetch(`${this.root.dataset.curve}?${query}`);
    const body = await answer.json();
    if (this.wanted !== query.toString()) return; // another view was asked for meanwhile
    if (!answer.ok) { this.place.textContent = body.error; return; }
    this.figure = body;
    this.view = unit + of; // zooming is kept as long as this stays
    this.draw();
  }

  mark(mjd) { this.at = mjd; this.draw(); }

  layout() {
    const ink = css("--ink"), line = css("--line"), paper = "rgba(0,0,0,0)";
    const axis = { automargin: true, exponentformat: "none", separatethousands: true, gridcolor: line, linecolor: line, tickcolor: line };
    const layout = { ...this.figure.layout, paper_bgcolor: paper, plot_bgcolor: paper, autosize: true, uirevision: this.view };
    delete layout.template; delete layout.width; delete layout.height; delete layout.title;
    layout.font = { ...layout.font, color: ink, family: css("--sans"), size: 12 };
    for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) layout[key] = { ...layout[key], ...axis, zerolinecolor: css("--line-strong") };
    layout.margin = { l: 12, r: 12, t: 8, b: 12 };
    layout.legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", ...layout.legend, bgcolor: paper };
    layout.hoverlabel = { bgcolor: css("--surface"), bordercolor: line, font: { color: ink } };
    layout.annotations = layout.annotations?.map((note) => ({ ...note, x: 0, xanchor: "left", y: 0, yanchor: "bottom" }));
    layout.shapes = [...(layout.shapes ?? []), ...this.line()];
    return layout;
  }

  /** A line at the chosen alert. */
  line() {
    if (!this.at) return [];
    const x = this.at + (this.figure.shift ?? 0);
    return [{ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: css("--accent"), width: 1, dash: "dot" } }];
  }

  async draw() {
    if (!this.figure || !globalThis.Plotly) return;
    const config = { displaylogo: false, responsive: true, scrollZoom: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    await Plotly.react(this.place, this.figure.data, this.layout(), config);
    if (this.listening) return;
    this.listening = true;
    this.place.on("plotly_click", ({ points }) => this.choose(this.nearest(points[0].x)));
  }

  /** The alert at a clicked time: alerts are epochs, to half a minute. */
  nearest(x) {
    const mjd = Number(x) - (this.figure.shift ?? 0);
    const rows = [...document.querySelectorAll("[data-alert-row]")];
    return rows.find((row) => Math.abs(Number(row.dataset.mjd) - mjd) < 3e-4)?.dataset.alertRow;
  }
}
