// Three stamps that zoom, pan, blink and read out together.
import { COLOURS } from "./colours.js";
import { compass, line, scaleBar } from "./overlay.js";
import { keep, kept } from "./plot.js";
import { STRETCHES, paint } from "./stretch.js";

const KEPT = "gueststar.stamps";
const NEAREST = 1, FARTHEST = 16;
const BLINK = 700; // ms
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Read what the server sends: rows and columns as uint32, then float32, little endian. */
export async function fetchStamp(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error((await answer.json()).error ?? `no stamp (${answer.status})`);
  const bytes = await answer.arrayBuffer(), head = new Uint32Array(bytes, 0, 2);
  const directions = ["X-North", "X-East"].map((name) => answer.headers.get(name));
  const scale = Number(answer.headers.get("X-Scale")) || null;
  return {
    height: head[0], width: head[1], data: new Float32Array(bytes, 8, head[0] * head[1]),
    scale, compass: directions[0] === null ? null : directions.map((angle) => (Number(angle) * Math.PI) / 180),
  };
}

/** What the survey says of all its stamps: arcsec a pixel, directions of north and east (rad). */
function geometry(root) {
  const { arcsec, north, east } = root.dataset, radians = (angle) => (Number(angle) * Math.PI) / 180;
  return { arcsec: Number(arcsec) || null, compass: north === undefined ? null : [north, east].map(radians) };
}

class Stamp {
  constructor(figure) {
    this.figure = figure;
    this.canvas = figure.querySelector("canvas");
    this.value = figure.querySelector("[data-value]");
    this.fault = figure.querySelector("[data-fault]");
    this.kind = figure.dataset.stamp;
    this.visit = document.querySelector("[data-visit]").dataset.visit;
  }

  async load(alert) {
    this.wanted = alert;
    let stamp = null, fault = "";
    try { stamp = await fetchStamp(`/cutouts/${alert}/${this.kind}.f32?v=${this.visit}`); } catch (error) { fault = error.message; }
    if (this.wanted !== alert) return; // a later alert was asked for meanwhile
    this.stamp = stamp;
    this.fault.textContent = fault;
    this.fault.hidden = !fault;
  }

  /** Stretch once; zooming only copies. */
  render(view) {
    if (!this.stamp) return;
    const { width, height } = this.stamp;
    this.image = Object.assign(document.createElement("canvas"), { width, height });
    this.image.getContext("2d").putImageData(paint(this.stamp, view), 0, 0);
  }

  draw(view) {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio) || 1;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, side, side);
    if (!this.stamp || !this.image) return;
    const { scale, left, top } = this.frame(view, side);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.image, left, top, this.stamp.width * scale, this.stamp.height * scale);
    this.reticle(pen, view, { scale, left, top });
    if (view.marks && (view.blink || this.kind === "science")) this.measures(pen, view, scale, side);
  }

  /** North, east and the scale, where they are known. */
  measures(pen, view, scale, side) {
    const unit = devicePixelRatio, perPixel = this.stamp.scale ?? view.geometry.arcsec, ways = this.stamp.compass ?? view.geometry.compass;
    if (ways) compass(pen, ways, [40 * unit, 40 * unit], 18 * unit, view.accent, unit);
    if (perPixel) scaleBar(pen, scale / perPixel, side, side - 10 * unit, side - 10 * unit, view.accent, unit);
  }

  /** Device pixels a stamp pixel, and where the image's corner lies. */
  frame(view, side) {
    const { width, height } = this.stamp, scale = (side / Math.max(width, height)) * view.zoom;
    return { scale, left: side / 2 - view.x * width * scale, top: side / 2 - view.y * height * scale };
  }

  reticle(pen, view, { scale, left, top }) {
    const width = Math.max(1, devicePixelRatio);
    if (view.cursor) {
      const [x, y] = this.pixel(view.cursor);
      pen.beginPath(); pen.rect(left + x * scale, top + y * scale, scale, scale);
      line(pen, view.accent, width);
    }
    if (!view.marks) return;
    const middle = [left + (this.stamp.width / 2) * scale, top + (this.stamp.height / 2) * scale];
    const gap = 4 * scale, arm = 4 * scale;
    pen.beginPath();
    pen.moveTo(middle[0] + gap, middle[1]); pen.lineTo(middle[0] + gap + arm, middle[1]);
    pen.moveTo(middle[0], middle[1] - gap); pen.lineTo(middle[0], middle[1] - gap - arm);
    line(pen, view.accent, width);
  }

  /** The pixel (column, row from the top) under a place given in shares of the stamp. */
  pixel([x, y]) {
    return [Math.floor(x * this.stamp.width), Math.floor(y * this.stamp.height)];
  }

  read(view) {
    if (!this.value) return;
    if (!view.cursor || !this.stamp) { this.value.textContent = ""; return; }
    const [x, y] = this.pixel(view.cursor), { width, height, data } = this.stamp;
    const inside = x >= 0 && y >= 0 && x < width && y < height;
    const row = height - 1 - y, value = inside ? data[row * width + x] : NaN;
    this.value.textContent = inside
      ? `[${x}, ${row}] ${Number.isFinite(value) ? value.toPrecision(5) : "no data"}` : "";
  }
}

export class Stamps {
  constructor(root) {
    this.root = root;
    this.stamps = [...root.querySelectorAll("[data-stamp]")].map((figure) => new Stamp(figure));
    this.geometry = geometry(root); // of the survey, where the stamp does not say
    this.view = { stretch: "auto", colour: "grey", inverted: false, zoom: 1, x: 0.5, y: 0.5, cursor: null, marks: true, ...kept(KEPT), blink: false, geometry: this.geometry };
    if (!STRETCHES.includes(this.view.stretch)) this.view.stretch = "auto";
    if (!COLOURS.includes(this.view.colour)) this.view.colour = "grey";
    this.stamps.forEach((stamp) => this.listen(stamp));
    root.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")?.dataset.act));
    root.querySelector("[data-stretch]").addEventListener("change", (event) => this.set({ stretch: event.target.value }));
    root.querySelector("[data-colour]").addEventListener("change", (event) => this.set({ colour: event.target.value }));
    new ResizeObserver(() => this.draw()).observe(root);
    document.addEventListener("theme", () => this.restyle());
    root.classList.add("live");
  }

  async load(alert) {
    await Promise.all(this.stamps.map((stamp) => stamp.load(alert)));
    const known = this.geometry.compass || this.stamps.some((one) => one.stamp?.compass);
    this.root.querySelector("[data-north-said]").textContent = known ? "" : "north: not given in the stamps";
    for (const link of this.root.querySelectorAll("[data-fits]")) link.href = link.dataset.fits.replace("ALERT", alert);
    this.restyle();
  }

  act(name) {
    const next = (all, one) => all[(all.indexOf(one) + 1) % all.length];
    if (name === "stretch") this.set({ stretch: next(STRETCHES, this.view.stretch) });
    if (name === "colour") this.set({ colour: next(COLOURS, this.view.colour) });
    if (name === "blink") this.blink();
    if (name === "invert") this.set({ inverted: !this.view.inverted });
    if (name === "marks") this.set({ marks: !this.view.marks });
    if (name === "in") this.zoom(1.5);
    if (name === "out") this.zoom(1 / 1.5);
    if (name === "reset") { Object.assign(this.view, { zoom: 1, x: 0.5, y: 0.5 }); this.draw(); }
  }

  set(change) {
    Object.assign(this.view, change);
    const { stretch, colour, inverted, marks } = this.view;
    keep(KEPT, { stretch, colour, inverted, marks });
    this.restyle();
  }

  /** One after the other at one place; where motion is not wanted, a step at each press. */
  blink() {
    const shown = this.stamps.findIndex((one) => one.figure.classList.contains("shown"));
    if (still.matches) return this.show(shown + 1 < this.stamps.length ? shown + 1 : null);
    if (this.view.blink) { clearInterval(this.timer); return this.show(null); }
    this.show(0);
    this.timer = setInterval(() => this.show((this.at + 1) % this.stamps.length), BLINK);
  }

  show(at) {
    this.at = at;
    this.view.blink = at !== null;
    this.root.classList.toggle("blinking", this.view.blink);
    this.stamps.forEach((one, i) => one.figure.classList.toggle("shown", i === at));
    this.root.querySelector("[data-act=blink]").setAttribute("aria-pressed", this.view.blink);
    this.draw();
  }

  /** Zoom round a place (in shares of the stamp); without one, round the centre of the view. */
  zoom(factor, place = [this.view.x, this.view.y]) {
    const before = this.view.zoom;
    this.view.zoom = Math.min(FARTHEST, Math.max(NEAREST, before * factor));
    const share = 1 - before / this.view.zoom;
    this.pan((place[0] - this.view.x) * share, (place[1] - this.view.y) * share);
  }

  pan(x, y) {
    const half = 0.5 / this.view.zoom, bound = (value) => Math.min(1 - half, Math.max(half, value));
    this.view.x = bound(this.view.x + x);
    this.view.y = bound(this.view.y + y);
    this.draw();
  }

  listen(stamp) {
    const { canvas } = stamp;
    let drag = null;
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey && this.view.zoom === 1 && event.deltaY > 0) return; // let the page scroll
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), this.place(stamp, event) ?? undefined);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => { drag = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", () => { drag = null; });
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("pointermove", (event) => {
      if (drag && this.view.zoom > 1) {
        const side = canvas.clientWidth * this.view.zoom;
        this.pan((drag[0] - event.clientX) / side, (drag[1] - event.clientY) / side);
        drag = [event.clientX, event.clientY];
      }
      this.point(this.place(stamp, event));
    });
    canvas.addEventListener("dblclick", () => this.act("reset"));
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const step = 0.1 / this.view.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (!(event.key in moves) || this.view.zoom === 1) return;
    event.preventDefault();
    this.pan(...moves[event.key]);
  }

  /** Where the pointer is, in shares of the stamp. */
  place(stamp, event) {
    if (!stamp.stamp) return null;
    const { canvas } = stamp, box = canvas.getBoundingClientRect(), { width, height } = stamp.stamp;
    const { scale, left, top } = stamp.frame(this.view, box.width);
    return [(event.clientX - box.left - left) / (width * scale), (event.clientY - box.top - top) / (height * scale)];
  }

  point(cursor) {
    this.view.cursor = cursor;
    this.draw();
  }

  restyle() {
    const style = getComputedStyle(document.documentElement);
    this.view.accent = style.getPropertyValue("--reticle").trim();
    this.view.missing = style.getPropertyValue("--no-data").trim().split(" ").map(Number);
    this.stamps.forEach((stamp) => stamp.render(this.view));
    this.root.querySelector("[data-stretch]").value = this.view.stretch;
    this.root.querySelector("[data-colour]").value = this.view.colour;
    this.root.querySelector("[data-act=invert]").setAttribute("aria-pressed", this.view.inverted);
    this.root.querySelector("[data-act=marks]").setAttribute("aria-pressed", this.view.marks);
    this.draw();
  }

  draw() { this.stamps.forEach((stamp) => { stamp.draw(this.view); stamp.read(this.view); }); }
}
