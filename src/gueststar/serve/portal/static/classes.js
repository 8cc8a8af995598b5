// Class scores against time; the chosen alert is marked, a click chooses another.
import { css, plotLayout } from "./plot.js";

const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
const HUES = ["--bar", "--band-r", "--band-g", "--band-i", "--band-z", "--band-y"];

export class Classes {
  constructor(root, choose) {
    this.place = root.querySelector("[data-plot]");
    this.series = JSON.parse(root.dataset.classes);
    this.choose = choose;
    document.addEventListener("theme", () => this.draw());
    this.draw();
  }

  mark(mjd) { this.at = mjd; this.draw(); }

  async draw() {
    if (!globalThis.Plotly) return;
    const data = this.series.map(({ name, mjd, value, alert }, i) => ({
      x: mjd, y: value, customdata: alert, name, mode: "lines+markers",
      line: { color: css(HUES[i % HUES.length]), width: 1 },
      marker: { symbol: SYMBOLS[Math.floor(i / HUES.length) % SYMBOLS.length], size: 7 },
      hovertemplate: `<b>${name}</b> %{y:.3f}<br>MJD %{x:.5f} (TAI)<br>alert %{customdata}<extra></extra>`,
    }));
    const axes = { xaxis: { title: { text: "MJD (TAI, d)" }, tickformat: ".7~g" }, yaxis: { title: { text: "score" }, range: [-0.03, 1.03] }, showlegend: true };
    const shapes = this.at ? [{ type: "line", x0: this.at, x1: this.at, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: css("--accent"), width: 1, dash: "dot" } }] : [];
    await Plotly.react(this.place, data, { ...plotLayout(axes), shapes, uirevision: "classes" }, { displayModeBar: false, responsive: true });
    if (this.listening) return;
    this.listening = true;
    this.place.on("plotly_click", ({ points }) => this.choose(points[0].customdata));
  }
}
