// The finder chart: our own stamp in print (dark sky is white), matches and neighbours over it, north and east, scale.
import { arrow, roundLength } from "./overlay.js";
import { fetchStamp } from "./stamps.js";
import { limits } from "./stretch.js";

const SIDE = 1000, HEAD = 130, INK = "#111", RED = "#b3261e", BLUE = "#1f56c3";

export class Finder {
  constructor(root, geometry, visit) {
    Object.assign(this, { root, geometry, visit });
    this.canvas = root.querySelector("canvas");
    this.note = root.querySelector("[data-finder-note]");
    this.around = JSON.parse(root.dataset.around);
    this.kind = root.querySelector("[data-finder-kind]");
    this.names = root.querySelector("[data-finder-names]");
    this.kind.addEventListener("change", () => this.load(this.alert, this.caption));
    this.names.addEventListener("change", () => this.draw());
    root.querySelector("[data-finder-save]").addEventListener("click", () => this.save());
  }

  async load(alert, caption) {
    Object.assign(this, { alert, caption });
    const kind = this.kind.value;
    let stamp = null;
    try { stamp = await fetchStamp(`/cutouts/${alert}/${kind}.f32?v=${this.visit}`); } catch (error) { this.note.textContent = error.message; }
    if (this.alert !== alert || this.kind.value !== kind) return;
    this.stamp = stamp;
    this.draw();
  }

  get scale() { return this.stamp.scale ?? this.geometry.arcsec; }
  get received() { return this.stamp.compass ?? this.geometry.compass; }

  /** How the stamp is turned so that north is about up and east about left: no pixel is resampled. */
  get turned() {
    if (!this.received) return { x: 1, y: 1 };
    const [north, east] = this.received, mirrored = Math.sin(east - north) > 0;
    const y = mirrored ? -1 : 1, down = y * Math.cos(north) < 0;
    return down ? { x: -1, y: -y } : { x: 1, y };
  }

  /** Directions of north and east in the chart, rad from up to the right. */
  get compass() {
    const { x, y } = this.turned;
    return this.received?.map((angle) => Math.atan2(x * Math.sin(angle), y * Math.cos(angle)));
  }

  draw() {
    const pen = this.canvas.getContext("2d");
    this.canvas.hidden = !this.stamp;
    if (!this.stamp) return;
    pen.fillStyle = "#fff"; pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.head(pen);
    this.image(pen);
    pen.save();
    pen.translate(0, HEAD);
    pen.beginPath(); pen.rect(0, 0, SIDE, SIDE); pen.clip();
    this.target(pen);
    const told = this.oriented() ? this.points(pen) : "Matches are not drawn: the orientation or the scale of this stamp is not known.";
    if (this.compass) this.arrows(pen);
    if (this.scale) this.bar(pen);
    pen.restore();
    pen.strokeStyle = INK; pen.lineWidth = 2; pen.strokeRect(1, HEAD, SIDE - 2, SIDE - 1);
    this.foot(pen);
    this.note.textContent = told;
  }

  oriented() { return Boolean(this.compass && this.scale); }

  head(pen) {
    const { name, place, degrees } = this.root.dataset;
    pen.fillStyle = INK; pen.textAlign = "left"; pen.textBaseline = "alphabetic";
    pen.font = "700 40px sans-serif"; pen.fillText(name, 12, 46);
    pen.font = "26px sans-serif"; pen.fillText(`${place}   (${degrees})  ICRS`, 12, 84);
    pen.fillText(`epoch ${this.caption}`, 12, 116);
  }

  foot(pen) {
    pen.fillStyle = INK; pen.font = "24px sans-serif"; pen.textAlign = "left"; pen.textBaseline = "alphabetic";
    const { width, height } = this.stamp, size = this.scale ? `, ${(width * this.scale).toFixed(1)}″ × ${(height * this.scale).toFixed(1)}″` : "";
    pen.fillText(`${this.root.dataset.survey.toUpperCase()} ${this.kind.value} stamp${size}; red: catalogues, blue: objects of this store`, 12, HEAD + SIDE + 36);
  }

  /** Pixels in inverted grey, asinh between the limits of quiet noise. */
  image(pen) {
    const { data, width, height } = this.stamp, [low, high] = limits(data, "auto") ?? [0, 1];
    const grey = new ImageData(width, height);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const value = data[(height - 1 - y) * width + x];
      const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
      const shade = Number.isFinite(value) ? 255 * (1 - (0.9 * Math.asinh(10 * t)) / Math.asinh(10)) : 255;
      grey.data.set([shade, shade, shade, 255], 4 * (y * width + x));
    }
    const small = Object.assign(document.createElement("canvas"), { width, height });
    small.getContext("2d").putImageData(grey, 0, 0);
    const unit = SIDE / Math.max(width, height);
    pen.imageSmoothingEnabled = false;
    const { x, y } = this.turned;
    pen.save();
    pen.translate(SIDE / 2, HEAD + SIDE / 2);
    pen.scale(x, y);
    pen.drawImage(small, (-width * unit) / 2, (-height * unit) / 2, width * unit, height * unit);
    pen.restore();
  }

  target(pen) {
    pen.beginPath();
    pen.moveTo(SIDE / 2 + 40, SIDE / 2); pen.lineTo(SIDE / 2 + 110, SIDE / 2);
    pen.moveTo(SIDE / 2, SIDE / 2 - 40); pen.lineTo(SIDE / 2, SIDE / 2 - 110);
    pen.strokeStyle = "#fff"; pen.lineWidth = 9; pen.stroke();
    pen.strokeStyle = INK; pen.lineWidth = 4; pen.stroke();
  }

  get perArcsec() { return SIDE / (Math.max(this.stamp.width, this.stamp.height) * this.scale); }

  /** Where a position lies, from offsets to north and east along their directions. */
  at({ ra, dec }) {
    const turn = Math.PI / 180, [north, east] = this.compass, { around } = this;
    const across = ((((ra - around.ra + 540) % 360) - 180) * Math.cos(around.dec * turn)) * 3600, up = (dec - around.dec) * 3600;
    const x = up * Math.sin(north) + across * Math.sin(east), y = up * Math.cos(north) + across * Math.cos(east);
    return [SIDE / 2 + x * this.perArcsec, SIDE / 2 - y * this.perArcsec];
  }

  points(pen) {
    let outside = 0;
    pen.lineWidth = 3; pen.font = "600 22px sans-serif"; pen.textBaseline = "middle";
    for (const point of this.around.points) {
      const [x, y] = this.at(point);
      if (x < 0 || y < 0 || x > SIDE || y > SIDE) { outside += 1; continue; }
      pen.strokeStyle = pen.fillStyle = point.what ? RED : BLUE;
      pen.beginPath();
      if (point.what) pen.rect(x - 13, y - 13, 26, 26); else pen.arc(x, y, 15, 0, 7);
      pen.stroke();
      if (this.names.checked) this.label(pen, point.what ? `${point.what} ${point.name}` : point.name, x, y);
    }
    return outside ? `${outside} of ${this.around.points.length} lie outside of the stamp.` : "";
  }

  label(pen, words, x, y) {
    const left = x > SIDE * 0.6, ink = pen.fillStyle;
    pen.textAlign = left ? "right" : "left";
    const place = [x + (left ? -22 : 22), y];
    pen.save(); pen.strokeStyle = "rgb(255 255 255 / 85%)"; pen.lineWidth = 6; pen.lineJoin = "round"; pen.strokeText(words, ...place); pen.restore();
    pen.fillStyle = ink; pen.fillText(words, ...place);
  }

  arrows(pen) {
    const middle = [110, 110], arm = 60;
    pen.strokeStyle = pen.fillStyle = INK; pen.lineWidth = 3; pen.font = "700 28px sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
    this.compass.forEach((angle, i) => {
      const way = arrow(pen, angle, middle, arm);
      pen.stroke();
      pen.fillText("NE"[i], middle[0] + 1.4 * arm * way[0], middle[1] + 1.4 * arm * way[1]);
    });
  }

  bar(pen) {
    const length = roundLength(this.perArcsec, SIDE);
    if (!length) return;
    const right = SIDE - 40, y = SIDE - 40;
    pen.strokeStyle = pen.fillStyle = INK; pen.lineWidth = 5; pen.textAlign = "right"; pen.textBaseline = "bottom"; pen.font = "700 28px sans-serif";
    pen.beginPath(); pen.moveTo(right - length * this.perArcsec, y); pen.lineTo(right, y); pen.stroke();
    pen.fillText(`${length}″`, right, y - 8);
  }

  save() {
    if (!this.stamp) return;
    this.canvas.toBlob((blob) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${this.root.dataset.name.replaceAll(" ", "_")}_finder.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}
