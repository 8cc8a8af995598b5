// The object page: stamps, light curve, scores and packet follow one chosen alert.
import { Classes } from "./classes.js";
import { Curve } from "./curve.js";
import { Finder } from "./finder.js";
import { Notes } from "./notes.js";
import { openPacket } from "./packet.js";
import { Stamps } from "./stamps.js";
import { say } from "./ui.js";

const root = document.querySelector("[data-object]");
const stamps = new Stamps(document.querySelector("[data-stamps]"));
const figure = document.querySelector("[data-curve]");
const rows = [...document.querySelectorAll("[data-alert-row]")];
const scores = document.querySelector("[data-classes]");
const chart = document.querySelector("[data-finder]");
const finder = chart ? new Finder(chart, stamps.geometry, root.dataset.visit) : null;
let curve = null, classes = null;
let chosen = root.dataset.alert;

/** Show one alert of the object everywhere on the page. */
async function choose(alert) {
  if (!alert || alert === chosen) return;
  chosen = alert;
  const row = show();
  history.replaceState(null, "", row ? row.querySelector("a").href : location.href);
  stamps.load(alert);
  finder?.load(alert, row?.dataset.caption ?? "");
  const answer = await fetch(`/alert/${alert}/panel`);
  if (!answer.ok) return say("this alert could not be loaded");
  const html = await answer.text();
  if (alert !== chosen) return;
  const parts = new DOMParser().parseFromString(html, "text/html");
  for (const part of parts.querySelectorAll("[data-slot]"))
    document.querySelector(`main [data-slot="${part.dataset.slot}"]`).innerHTML = part.innerHTML;
  openPacket();
}

function show() {
  const at = rows.findIndex((row) => row.dataset.alertRow === chosen), row = rows[at];
  rows.forEach((one) => one.removeAttribute("aria-current"));
  row?.setAttribute("aria-current", "true");
  if (row) keepInView(row.closest(".scroll"), row);
  const caption = document.querySelector("[data-caption]");
  if (row) caption.textContent = row.dataset.caption;
  link("[data-alert-prev]", rows[at - 1]);
  link("[data-alert-next]", rows[at + 1]);
  for (const plot of [curve, classes]) plot?.mark(row ? Number(row.dataset.mjd) : null);
  return row;
}

/** Scroll the table, never the page. */
function keepInView(box, row) {
  const top = row.offsetTop - 40, bottom = row.offsetTop + row.offsetHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}

function link(selector, row) {
  const target = document.querySelector(selector);
  if (!target) return;
  if (row) { target.href = row.querySelector("a").href; target.removeAttribute("aria-disabled"); }
  else { target.removeAttribute("href"); target.setAttribute("aria-disabled", "true"); }
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const step = event.target.closest("[data-alert-prev], [data-alert-next]");
  const row = event.target.closest("[data-alert-row]");
  if (!step && !row) return;
  const at = rows.findIndex((one) => one.dataset.alertRow === chosen);
  const next = row ?? rows[at + (step.matches("[data-alert-next]") ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  choose(next.dataset.alertRow);
});

show();
openPacket();
new Notes(document.querySelector("[data-notes]"), () => chosen);
await stamps.load(chosen);
finder?.load(chosen, document.querySelector("[data-caption]").textContent);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-use-redshift]");
  if (button) curve?.use(Number(button.dataset.useRedshift));
});
if (figure) {
  curve = new Curve(figure, choose);
  await curve.ready;
  if (scores) classes = new Classes(scores, choose);
  show();
}
