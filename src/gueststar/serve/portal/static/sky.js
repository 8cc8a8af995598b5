// The sky map: one stop of the Tab key, arrows walk to the nearest cell that way, and what the
// pointer or the focus is on is said below.
const map = document.querySelector("[data-sky]");
const told = document.querySelector("[data-told]");
const cells = [...map.querySelectorAll("[data-cell]")];
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const at = (cell) => [Number(cell.dataset.x), Number(cell.dataset.y)];

/** The nearest cell in a direction: what lies aside counts three times. */
function towards(from, [dx, dy]) {
  const [x, y] = at(from);
  let best = null, least = Infinity;
  for (const cell of cells) {
    const [cx, cy] = at(cell), along = (cx - x) * dx + (cy - y) * dy;
    const aside = Math.abs((cx - x) * dy) + Math.abs((cy - y) * dx);
    if (along > 0.5 && along + 3 * aside < least) { best = cell; least = along + 3 * aside; }
  }
  return best;
}

function choose(cell) {
  for (const one of cells) one.setAttribute("tabindex", one === cell ? "0" : "-1");
  cell.focus();
}

map.addEventListener("keydown", (event) => {
  const from = event.target.closest("[data-cell]");
  if (!from || !(event.key in WAYS)) return;
  event.preventDefault();
  const next = towards(from, WAYS[event.key]);
  if (next) choose(next);
});
for (const kind of ["pointerover", "focusin"]) {
  map.addEventListener(kind, (event) => {
    const cell = event.target.closest("[data-cell]");
    if (cell) told.textContent = cell.getAttribute("aria-label");
  });
}
