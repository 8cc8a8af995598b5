// What plots share: Plotly when it is needed, the page's colours, what the browser remembers.

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function kept(key, otherwise = {}) {
  try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; }
}

export function keep(key, value) {
  if (value === null) localStorage.removeItem(key);
  else localStorage.setItem(key, JSON.stringify(value));
}

/** Plotly is 4.8 MB: stamps come first, then this. */
export function loadPlotly(address) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

/** A figure's layout in the page's colours. */
export function plotLayout(given) {
  const line = css("--line"), paper = "rgba(0,0,0,0)";
  const axis = { automargin: true, exponentformat: "none", separatethousands: true, gridcolor: line, linecolor: line, tickcolor: line };
  const layout = { ...given, paper_bgcolor: paper, plot_bgcolor: paper, autosize: true };
  delete layout.template; delete layout.width; delete layout.height; delete layout.title;
  layout.font = { ...layout.font, color: css("--ink"), family: css("--sans"), size: 12 };
  for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) layout[key] = { ...layout[key], ...axis, zerolinecolor: css("--line-strong") };
  layout.margin = { l: 12, r: 12, t: 8, b: 12 };
  layout.legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", ...layout.legend, bgcolor: paper };
  layout.hoverlabel = { bgcolor: css("--surface"), bordercolor: line, font: { color: css("--ink") } };
  return layout;
}
