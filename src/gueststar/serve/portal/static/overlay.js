// What is drawn over an image of the sky: lines that can be seen on any ground, arrows to north and east, a scale bar.

/** Stroke what the pen has as its path, with a dark edge. */
export function line(pen, colour, width) {
  pen.lineCap = "round";
  pen.strokeStyle = "rgb(0 0 0 / 55%)"; pen.lineWidth = width * 2.6; pen.stroke();
  pen.strokeStyle = colour; pen.lineWidth = width; pen.stroke();
}

export function text(pen, words, x, y, colour, size) {
  pen.font = `600 ${size}px sans-serif`;
  pen.lineJoin = "round";
  pen.strokeStyle = "rgb(0 0 0 / 65%)"; pen.lineWidth = size / 4; pen.strokeText(words, x, y);
  pen.fillStyle = colour; pen.fillText(words, x, y);
}

/** Make an arrow the pen's path, at an angle (rad) from up to the right; give its direction in pixels. */
export function arrow(pen, angle, middle, arm) {
  const way = [Math.sin(angle), -Math.cos(angle)], tip = [middle[0] + arm * way[0], middle[1] + arm * way[1]];
  const barb = (turn) => [tip[0] - 0.3 * arm * Math.sin(angle + turn), tip[1] + 0.3 * arm * Math.cos(angle + turn)];
  pen.beginPath(); pen.moveTo(...middle); pen.lineTo(...tip);
  pen.moveTo(...barb(0.5)); pen.lineTo(...tip); pen.lineTo(...barb(-0.5));
  return way;
}

/** Arrows to north and east; angles (rad) from up to the right. */
export function compass(pen, directions, middle, arm, colour, unit) {
  pen.textAlign = "center"; pen.textBaseline = "middle";
  directions.forEach((angle, i) => {
    const way = arrow(pen, angle, middle, arm);
    line(pen, colour, unit);
    text(pen, "NE"[i], middle[0] + 1.5 * arm * way[0], middle[1] + 1.5 * arm * way[1], colour, 11 * unit);
  });
}

const LENGTHS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120];

/** The longest round number of arcsec within two fifths of the width; undefined where none is. */
export const roundLength = (perArcsec, width) => LENGTHS.filter((one) => one * perArcsec <= 0.4 * width).at(-1);

/** A bar of a round number of arcsec; its right end at a place. */
export function scaleBar(pen, perArcsec, width, right, bottom, colour, unit) {
  const length = roundLength(perArcsec, width);
  if (!length) return;
  pen.beginPath(); pen.moveTo(right - length * perArcsec, bottom); pen.lineTo(right, bottom);
  line(pen, colour, 1.5 * unit);
  pen.textAlign = "right"; pen.textBaseline = "bottom";
  text(pen, `${length}″`, right, bottom - 4 * unit, colour, 11 * unit);
}
