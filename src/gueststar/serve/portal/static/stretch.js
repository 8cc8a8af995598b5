// How pixel values become colours: limits and curves, as FITS viewers do it.
import { colours } from "./colours.js";

const finite = (data) => Float32Array.from(data.filter(Number.isFinite)).sort();
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** zscale: a line through the sorted sample, outliers left out (IRAF display, contrast 0.25). */
function zscale(sorted) {
  const n = sorted.length, mid = at(sorted, 0.5);
  const keep = new Uint8Array(n).fill(1);
  let slope = 0, kept = n;
  for (let round = 0; round < 5; round++) {
    let sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (let i = 0; i < n; i++) if (keep[i]) { sx += i; sy += sorted[i]; sxx += i * i; sxy += i * sorted[i]; }
    const spread = kept * sxx - sx * sx;
    if (!spread) break;
    slope = (kept * sxy - sx * sy) / spread;
    const zero = (sy - slope * sx) / kept;
    let sum = 0;
    for (let i = 0; i < n; i++) if (keep[i]) sum += (sorted[i] - zero - slope * i) ** 2;
    const limit = 2.5 * Math.sqrt(sum / kept);
    const before = kept;
    kept = 0;
    for (let i = 0; i < n; i++) kept += keep[i] = Math.abs(sorted[i] - zero - slope * i) <= limit ? 1 : 0;
    if (kept === before || kept < n / 2) break;
  }
  const reach = (slope / 0.25) * (n / 2);
  return [Math.max(sorted[0], mid - reach), Math.min(sorted[n - 1], mid + reach)];
}

/** Quiet noise: from 2 sigma below the median to 16 above it, or to the 99.5 percentile if that is more. */
function noise(sorted) {
  const median = at(sorted, 0.5);
  const sigma = 1.4826 * at(sorted.map((value) => Math.abs(value - median)).sort(), 0.5);
  return [median - 2 * sigma, Math.max(at(sorted, 0.995), median + 16 * sigma)];
}

const asinh = (t) => Math.asinh(10 * t) / Math.asinh(10);
const CURVES = {
  auto: asinh,
  linear: (t) => t,
  asinh,
  log: (t) => Math.log1p(1000 * t) / Math.log1p(1000),
  zscale: (t) => t,
};
export const STRETCHES = Object.keys(CURVES);

/** Limits of one stamp under a stretch. Null when no pixel is finite. */
export function limits(data, stretch) {
  const sorted = finite(data);
  if (!sorted.length) return null;
  const finder = { auto: noise, zscale }[stretch] ?? ((all) => [at(all, 0.005), at(all, 0.995)]);
  const [low, high] = finder(sorted);
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

/** Paint values with a colour map into RGBA; the first row of the data goes to the bottom, as FITS has it. */
export function paint(stamp, { stretch, inverted, missing, colour }) {
  const { data, width, height } = stamp, table = colours(colour);
  const image = new ImageData(width, height), range = limits(data, stretch), curve = CURVES[stretch];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const value = data[(height - 1 - y) * width + x], to = 4 * (y * width + x);
    if (!range || !Number.isFinite(value)) { image.data.set(missing, to); continue; }
    const t = curve(Math.min(1, Math.max(0, (value - range[0]) / (range[1] - range[0]))));
    const at = 3 * Math.round(255 * (inverted ? 1 - t : t));
    image.data.set([table[at], table[at + 1], table[at + 2], 255], to);
  }
  return image;
}
