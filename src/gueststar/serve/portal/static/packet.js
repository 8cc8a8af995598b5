// The packet: search hides what does not match and opens what holds a match, meanings are shown or not, paths and
// values are copied. Tables are fetched when they are opened, or when a search begins.
import { keep, kept } from "./plot.js";
import { copyText } from "./ui.js";

const KEPT = "gueststar.packet";

async function fill(part) {
  if (part.dataset.loading) return;
  part.dataset.loading = "yes";
  part.textContent = "loading …";
  const answer = await fetch(part.dataset.part);
  if (answer.ok) part.innerHTML = await answer.text();
  else part.textContent = "could not be loaded";
}

const parts = (within) => Promise.all([...within.querySelectorAll("[data-part]")].map(fill));

function apply(packet, words) {
  let found = 0;
  for (const line of packet.querySelectorAll("[data-line]")) {
    const hit = !words || line.dataset.line.includes(words);
    line.hidden = !hit;
    if (hit && words) { found += 1; line.closest("details")?.setAttribute("open", ""); }
  }
  for (const part of packet.querySelectorAll("details"))
    part.hidden = Boolean(words) && !part.querySelector("[data-line]:not([hidden])");
  document.querySelector("[data-packet-found]").textContent = words ? `${found} found` : "";
}

/** One line can be reached by Tab, the others from it by arrow keys. */
function rove(packet, line) {
  packet.querySelectorAll("[data-path][tabindex='0']").forEach((one) => { one.tabIndex = -1; });
  if (line) line.tabIndex = 0;
}

function onKey(event) {
  const line = event.target.closest("[data-path]");
  if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (step) {
    const all = [...event.currentTarget.querySelectorAll("[data-path]")].filter((one) => one.checkVisibility());
    const next = all[all.indexOf(line) + step];
    if (next) { rove(event.currentTarget, next); next.focus(); }
  } else if (event.key === "Enter") copyText(event.shiftKey ? line.dataset.path : line.querySelector("dd").textContent);
  else return;
  event.preventDefault();
}

function onClick(event) {
  const line = event.target.closest("[data-path]");
  if (!line || getSelection().toString()) return;
  rove(event.currentTarget, line);
  copyText(event.target.closest("dd") ? line.querySelector("dd").textContent : line.dataset.path);
}

function meanings(packet, button) {
  const show = (on) => { packet.classList.toggle("meanings", on); button.setAttribute("aria-pressed", on); };
  show(Boolean(kept(KEPT).meanings));
  button.addEventListener("click", () => {
    const on = !packet.classList.contains("meanings");
    keep(KEPT, { meanings: on });
    show(on);
  });
}

export function openPacket() {
  const field = document.querySelector("[data-packet-search]"), packet = document.querySelector("[data-packet]");
  if (!field || !packet) return;
  meanings(packet, document.querySelector("[data-meanings]"));
  rove(packet, packet.querySelector("[data-path]"));
  packet.addEventListener("keydown", onKey);
  packet.addEventListener("click", onClick);
  packet.addEventListener("toggle", (event) => { if (event.target.open) parts(event.target); }, true);
  field.addEventListener("input", async () => {
    await parts(packet);
    apply(packet, field.value.trim().toLowerCase());
    const reachable = packet.querySelector("[data-path][tabindex='0']");
    if (!reachable?.checkVisibility()) rove(packet, [...packet.querySelectorAll("[data-path]")].find((one) => one.checkVisibility()));
  });
}
