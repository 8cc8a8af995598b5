// The period: a periodogram from the server, its peaks, and what the curve is folded at.
import { css, plotLayout } from "./plot.js";

const number = (value) => Number(value.toPrecision(7));
const cell = (row, text, name) => { const made = row.insertCell(); made.textContent = text; if (name) made.className = name; return made; };

export class Period {
  constructor(root, fold, quantity) {
    this.root = root;
    this.folds = fold;
    this.quantity = quantity;
    this.panel = root.querySelector("[data-period]");
    this.field = root.querySelector("[data-period-value]");
    this.place = root.querySelector("[data-periodogram]");
    this.list = root.querySelector("[data-peaks]");
    this.message = root.querySelector("[data-period-message]");
    this.opener = root.querySelector("[data-period-open]");
    this.opener.addEventListener("click", () => this.toggle());
    root.addEventListener("click", (event) => this.act(event.target.closest("[data-fold]")?.dataset.fold));
    this.list.addEventListener("click", (event) => this.take(event.target.closest("[data-at]")));
    root.querySelector("[data-period-form]").addEventListener("submit", (event) => { event.preventDefault(); this.typed(); });
    root.querySelector("[data-search-form]").addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    document.addEventListener("theme", () => this.draw());
  }

  async toggle() {
    const open = this.panel.hidden;
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", open);
    if (!open) return this.set(null);
    if (!this.found) await this.search();
    const best = this.found?.peaks[0]?.period;
    if (!this.period && best && !this.panel.hidden) this.set(best);
  }

  act(name) {
    if (!name) return;
    if (name === "half" && this.period) this.set(this.period / 2);
    if (name === "double" && this.period) this.set(this.period * 2);
    if (name === "off") this.set(null);
  }

  typed() {
    const form = this.root.querySelector("[data-period-form]");
    if (form.reportValidity()) this.set(Number(this.field.value) || null);
  }

  take(button) { if (button) this.set(Number(button.dataset.at)); }

  /** Fold at a period, d; null unfolds. */
  set(period) {
    this.period = period;
    this.field.value = period ? number(period) : "";
    this.folds(period);
    this.markPeaks();
    this.draw();
  }

  /** Another quantity has another periodogram. */
  changed() { this.found = null; if (!this.panel.hidden) this.search(); }

  async search() {
    const form = this.root.querySelector("[data-search-form]");
    if (!form.reportValidity()) return;
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    query.set("of", this.quantity());
    this.wanted = query.toString();
    this.message.textContent = "searching …";
    const answer = await fetch(`${this.root.dataset.curve}.periodogram.json?${query}`);
    const body = await answer.json();
    if (this.wanted !== query.toString()) return;
    this.found = answer.ok && !body.message ? body : null;
    this.message.textContent = answer.ok ? (body.message ?? this.told(body)) : body.error;
    this.root.querySelector("[data-caveat]").textContent = body.caveat ?? "";
    this.root.querySelector("[data-found]").hidden = !this.found;
    this.fill();
    await this.draw();
  }

  told({ points, span, frequencies, of }) {
    const bands = Object.entries(points).map(([band, n]) => `${n} in ${band}`).join(", ");
    return `Lomb–Scargle of the ${of} flux: ${bands}, over ${span.toFixed(1)} d, ${frequencies.toLocaleString("en")} frequencies; barycentric times.`;
  }

  fill() {
    this.list.replaceChildren();
    for (const { period, power, log10_fap: fap, note } of this.found?.peaks ?? []) {
      const row = this.list.insertRow(), button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: `${number(period)} d`, title: "Fold at this period" });
      button.dataset.at = period;
      row.insertCell().append(button);
      cell(row, power.toFixed(3));
      cell(row, fap < -300 ? "< 1e-300" : fap < -3 ? (10 ** fap).toExponential(0) : (10 ** fap).toPrecision(2), "nowrap");
      cell(row, note, "sub");
    }
    this.markPeaks();
  }

  markPeaks() {
    for (const button of this.list.querySelectorAll("[data-at]"))
      button.setAttribute("aria-pressed", Math.abs(Number(button.dataset.at) / this.period - 1) < 1e-6);
  }

  /** Lines at the folded frequency (strong) and at its aliases and harmonics (faint, named). */
  lines() {
    if (!this.period) return { shapes: [], annotations: [] };
    const f = 1 / this.period, [low, high] = [this.found.frequency[0], this.found.frequency.at(-1)];
    const places = [["", f], ["+1/d", f + 1], ["−1/d", Math.abs(f - 1)], ["P/2", 2 * f], ["2P", f / 2]];
    const inside = places.filter(([, one]) => one >= low && one <= high);
    const shapes = inside.map(([name, one]) => ({ type: "line", x0: 1 / one, x1: 1 / one, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: css(name ? "--line-strong" : "--accent"), width: name ? 1 : 2, dash: name ? "dot" : "solid" } }));
    const annotations = inside.filter(([name]) => name).map(([text, one]) => ({ text, x: Math.log10(1 / one), y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: { size: 10, color: css("--muted") } }));
    return { shapes, annotations };
  }

  async draw() {
    if (!this.found || this.panel.hidden || !globalThis.Plotly) return;
    const { frequency, power, peaks } = this.found, period = frequency.map((f) => 1 / f);
    const hover = "%{x:.6~g} d, power %{y:.3f}<extra></extra>";
    const data = [
      { x: period, y: power, mode: "lines", line: { color: css("--bar"), width: 1 }, hovertemplate: hover },
      { x: peaks.map((one) => one.period), y: peaks.map((one) => one.power), mode: "markers", marker: { color: css("--reticle"), size: 8, symbol: "circle-open", line: { width: 2 } }, hovertemplate: hover },
    ];
    const axes = { xaxis: { title: { text: "period (d)" }, type: "log", exponentformat: "none" }, yaxis: { title: { text: "power" }, range: [0, Math.max(...power) * 1.08] }, showlegend: false };
    const layout = { ...plotLayout(axes), ...this.lines(), margin: { l: 12, r: 12, t: 22, b: 12 } };
    await Plotly.react(this.place, data, layout, { displayModeBar: false, responsive: true });
    if (this.listening) return;
    this.listening = true;
    this.place.on("plotly_click", ({ points }) => this.set(this.refined(points[0].x)));
  }

  /** The exact period of the peak that was clicked, or the period itself away from peaks. */
  refined(period) {
    const near = this.found.peaks.find((one) => Math.abs(1 / period - one.frequency) * this.found.span < 1);
    return near?.period ?? period;
  }
}
