// The light curve: the server builds the figure (the same one a notebook shows), Plotly draws it here.
import { Period } from "./period.js";
import { css, keep, kept, loadPlotly, plotLayout } from "./plot.js";

const KEPT = "gueststar.curve";
const REDSHIFT = "gueststar.redshift.";
const ABSOLUTE = "Absolute: Planck 2018 distance, K = −2.5 log(1 + z); no extinction taken off, neither Galactic nor in the host.";

export class Curve {
  constructor(root, choose) {
    this.root = root;
    this.choose = choose;
    this.place = root.querySelector("[data-plot]");
    this.name = root.dataset.name;
    const { redshift } = kept(REDSHIFT + this.name, { redshift: null });
    this.state = { of: "difference", unit: "flux", limits: true, forced: true, ...kept(KEPT), redshift, period: null };
    this.period = new Period(root, (period) => this.fold(period), () => this.state.of);
    root.addEventListener("click", (event) => this.act(event.target.closest("[data-show]")?.dataset.show));
    root.querySelector("[data-png]").addEventListener("click", () => this.png());
    this.listenToRedshift(root.querySelector("[data-redshift]"));
    document.addEventListener("theme", () => this.draw());
    this.label();
    this.fetch();
    this.ready = loadPlotly(root.dataset.plotly).then(() => this.draw(), () => { this.place.textContent = "The plot could not be loaded; the points are in the CSV."; });
  }

  act(name) {
    if (!name) return;
    const swap = { of: ["difference", "total"], unit: ["flux", "mag"] }[name];
    this.set({ [name]: swap ? swap[1 - swap.indexOf(this.state[name])] : !this.state[name] });
    if (name === "of") this.period.changed();
  }

  set(change) {
    Object.assign(this.state, change);
    const { of, unit, limits, forced, redshift } = this.state;
    keep(KEPT, { of, unit, limits, forced });
    keep(REDSHIFT + this.name, redshift ? { redshift } : null);
    this.label();
    this.fetch();
  }

  fold(period) { this.set({ period }); }

  /** Absolute magnitudes at a redshift that a catalogue gives. */
  use(redshift) {
    this.root.querySelector("[data-redshift]").value = redshift;
    this.set({ redshift, unit: "mag" });
  }

  listenToRedshift(field) {
    if (this.state.redshift) field.value = this.state.redshift;
    field.addEventListener("change", () => {
      if (!field.reportValidity()) return;
      const redshift = Number(field.value) || null;
      this.set({ redshift, unit: redshift ? "mag" : this.state.unit });
    });
  }

  label() {
    for (const button of this.root.querySelectorAll("[data-show]")) {
      const value = this.state[button.dataset.show];
      const text = button.querySelector("[data-state]");
      if (text) text.textContent = value;
      else button.setAttribute("aria-pressed", value);
    }
    this.root.querySelector("[data-curve-note]").textContent = this.absolute ? ABSOLUTE : "";
  }

  get absolute() { return this.state.unit === "mag" && this.state.redshift; }

  async fetch() {
    const { of, unit, limits, forced, period } = this.state;
    const query = new URLSearchParams({ of, unit, limits: limits ? "yes" : "no", forced: forced ? "yes" : "no" });
    if (period) query.set("period", period);
    if (this.absolute) query.set("redshift", this.absolute);
    this.wanted = query.toString();
    const answer = await fetch(`${this.root.dataset.curve}.figure.json?${query}`);
    const body = await answer.json();
    if (this.wanted !== query.toString()) return; // another view was asked for meanwhile
    if (!answer.ok) { this.place.textContent = body.error; return; }
    this.figure = body;
    // Zooming is kept as long as an axis means the same.
    this.views = { x: period ? `phase ${period}` : "time", y: `${unit} ${of} ${this.absolute}` };
    this.draw();
  }

  mark(mjd) { this.at = mjd; this.draw(); }

  layout() {
    const layout = plotLayout(this.figure.layout);
    layout.xaxis.uirevision = this.views.x;
    layout.yaxis.uirevision = this.views.y;
    layout.annotations = layout.annotations?.map((note) => ({ ...note, x: 0, xanchor: "left", y: 0, yanchor: "bottom" }));
    layout.shapes = [...(layout.shapes ?? []), ...this.line()];
    return layout;
  }

  /** A line at the chosen alert; twice in a folded curve. */
  line() {
    if (!this.at) return [];
    return this.places().map((x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: css("--accent"), width: 1, dash: "dot" } }));
  }

  places() {
    if (!this.state.period || !this.views.x.startsWith("phase")) return [this.at];
    const at = Number(this.at).toFixed(5);
    for (const { x, customdata } of this.figure.data) {
      const found = customdata.flatMap((told, i) => (told.at(-1) === at ? [i] : []));
      if (found.length) return found.map((i) => values(x)[i]);
    }
    return [];
  }

  async draw() {
    if (!this.figure || !globalThis.Plotly) return;
    const config = { displaylogo: false, responsive: true, scrollZoom: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toImage"] };
    await Plotly.react(this.place, this.figure.data, this.layout(), config);
    if (this.listening) return;
    this.listening = true;
    this.place.on("plotly_click", ({ points }) => this.choose(this.nearest(points[0])));
  }

  /** The alert at a clicked point: alerts are epochs, to half a minute. */
  nearest(point) {
    const mjd = Number(point.customdata.at(-1));
    const rows = [...document.querySelectorAll("[data-alert-row]")];
    return rows.find((row) => Math.abs(Number(row.dataset.mjd) - mjd) < 3e-4)?.dataset.alertRow;
  }

  /** What is shown, as a picture with the object's name over it. */
  async png() {
    if (!this.figure || !globalThis.Plotly) return;
    const { width, height } = this.place.getBoundingClientRect();
    const ground = css("--surface"), layout = this.place.layout;
    const shown = { ...layout, paper_bgcolor: ground, plot_bgcolor: ground, title: { text: this.name, font: { size: 14 } }, margin: { ...layout.margin, t: 64 }, shapes: [] };
    await Plotly.downloadImage({ data: this.figure.data, layout: shown }, { format: "png", width, height, scale: 2, filename: `${this.name}_light_curve` });
  }
}

/** Numbers of a trace: Plotly's JSON packs long ones. */
function values(x) {
  if (Array.isArray(x)) return x;
  const bytes = Uint8Array.from(atob(x.bdata), (letter) => letter.charCodeAt(0));
  return new { f8: Float64Array, f4: Float32Array, i4: Int32Array }[x.dtype](bytes.buffer);
}
