// What every page has: keys that press links, moving in lists, theme, help, copy, forms that send themselves.
const LIST = "gueststar.list";
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

const typing = (target) =>
  target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
  (target.tagName === "INPUT" && !/^(checkbox|radio|button)$/.test(target.type));

/** Items of the page's list that are shown, in order. */
const items = () => $$("[data-item]").filter((item) => !item.closest("[hidden]"));

/** Items in one line of a grid; 1 in a list. */
function across() {
  const tops = $$(".grid [data-row]:not([hidden])").map((row) => row.offsetTop);
  return Math.max(1, tops.filter((top) => top === tops[0]).length);
}

function move(step) {
  const all = items();
  if (!all.length) return false;
  const at = all.findIndex((item) => item.closest("[data-row]").classList.contains("at"));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  mark(next);
  next.focus({ preventScroll: true });
  next.closest("[data-row]").scrollIntoView({ block: "nearest" });
  return true;
}

function mark(item) {
  $$("[data-row].at").forEach((row) => row.classList.remove("at"));
  item.closest("[data-row]").classList.add("at");
}

/** Press what carries the key: links and buttons are clicked, fields are focused. */
function press(key) {
  const target = $$("[data-key]").find((one) => one.dataset.key.split(" ").includes(key));
  if (!target || target.getAttribute("aria-disabled") === "true") return false;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) {
    target.focus();
    if (target.select) target.select();
  } else target.click();
  return true;
}

function help() {
  const dialog = $("#help");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (typing(event.target)) return;
  if ($("#help")?.open && event.key !== "?") return;
  const line = across();
  const steps = { j: 1, ArrowDown: line, k: -1, ArrowUp: -line };
  if (line > 1) Object.assign(steps, { ArrowRight: 1, ArrowLeft: -1 });
  let done = false;
  if (event.key === "?") { help(); done = true; }
  else if (event.key in steps && items().length) done = move(steps[event.key]);
  if (!done) done = press(event.key);
  if (done) event.preventDefault();
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("gueststar.theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("theme"));
}

export async function copyText(text) {
  try { await navigator.clipboard.writeText(text); }
  catch { return say(`copy by hand: ${text}`); }
  say(`copied ${text}`);
}

/** Tell something in passing, also to a screen reader. */
export function say(text) {
  const place = $("#say");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => place.classList.remove("shown"), 2200);
}

/** Where a visitor stands in the list that was left last; object pages walk on from there. */
function walk() {
  const place = $("[data-walk]");
  if (!place) return;
  const list = JSON.parse(sessionStorage.getItem(LIST) ?? "null");
  if (!list) return;
  const paths = list.hrefs.map((href) => href.split("?")[0]);
  const exact = list.hrefs.indexOf(place.dataset.walk);
  const at = exact < 0 ? paths.indexOf(location.pathname) : exact;
  if (at < 0) return;
  $("[data-walk-back]").href = list.from;
  $("[data-walk-place]").textContent = `${at + 1} of ${list.hrefs.length}`;
  for (const [name, step] of [["prev", -1], ["next", 1]]) {
    const link = $(`[data-walk-${name}]`), href = list.hrefs[at + step];
    if (href) { link.href = href; link.removeAttribute("aria-disabled"); }
  }
  place.hidden = false;
}

function remember() {
  const hrefs = items().map((item) => item.getAttribute("href"));
  if (hrefs.length) sessionStorage.setItem(LIST, JSON.stringify({ from: location.pathname + location.search, hrefs }));
}

document.addEventListener("keydown", onKey);
document.addEventListener("focusin", (event) => { if (event.target.matches("[data-item]")) mark(event.target); });
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) ({ theme: toggleTheme, help, copy: () => copyText(button.dataset.copy) })[button.dataset.do]?.();
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a, button, input") && !getSelection().toString()) $("[data-item]", row)?.click();
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-send]");
  if (!form) return;
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
  if (form.reportValidity()) form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-lean]")) return; // keeps addresses short: empty fields stay out
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});
document.addEventListener("list", remember);
addEventListener("pageshow", () => $$("form[data-send] :disabled, form[data-lean] :disabled").forEach((field) => { field.disabled = false; }));
if ($("[data-remember]")) remember();
walk();
