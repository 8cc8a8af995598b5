// The night list: filters act at once on what is loaded, the server's answer follows; the address
// always says what is shown, and the browser's back and forward buttons walk through it.
import { say } from "./ui.js";

const WAIT = 250; // ms of silence before the server is asked
const TYPING = 1500; // ms within which changes of one field are one step of the history
const RANGES = { score: ["min_score", "max_score"], mag: ["mag_min", "mag_max"], age: ["age_min", "age_max"] };
const form = () => document.querySelector("[data-instant]");
let timer = null, asking = null, last = { field: null, at: 0 };

/** What the form asks for, without what is empty or usual. */
function address() {
  const usual = { sort: "score", view: "list" };
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form())) {
    if (value !== "" && value !== usual[name]) query.append(name, value);
  }
  return `/?${query}`;
}

/** Hide loaded alerts that do not pass; what has no value passes no range, as in the store. */
function narrow() {
  const field = (name) => form().elements[name]?.value ?? "";
  const passes = (row) =>
    ["band", "survey"].every((name) => field(name) === "" || row.dataset[name] === field(name)) &&
    Object.entries(RANGES).every(([name, [low, high]]) => {
      if (field(low) === "" && field(high) === "") return true;
      const value = row.dataset[name];
      return value !== "" && (field(low) === "" || Number(value) >= Number(field(low))) &&
        (field(high) === "" || Number(value) <= Number(field(high)));
    });
  for (const row of document.querySelectorAll("[data-part=results] [data-row]")) row.hidden = !passes(row);
}

/** Ask the server for a page; null when it does not come, or is no longer wanted. */
async function ask(href) {
  asking?.abort();
  const mine = (asking = new AbortController());
  let answer, text;
  try {
    answer = await fetch(href, { signal: mine.signal });
    text = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") say("the server does not answer");
    return null;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  if (!page.querySelector("[data-part=results]")) {
    say(page.querySelector("main p")?.textContent ?? "this could not be shown");
    return null;
  }
  return page;
}

/** Put another page's parts in the place of ours. */
function show(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    part.replaceWith(page.querySelector(`[data-part=${part.dataset.part}]`));
  }
  document.title = page.title;
  document.dispatchEvent(new CustomEvent("list"));
}

/** Go to an address as if it were a link, without loading the page anew. */
async function go(href, { step = true, refill = true, top = false } = {}) {
  const page = await ask(href);
  if (!page) return;
  if (step) history.pushState(null, "", href);
  else history.replaceState(null, "", href);
  show(page);
  if (refill) fill(page);
  else narrow();
  if (top) scrollTo({ top: 0 });
}

/** Give the fields the values of another page's form. */
function fill(page) {
  const other = page.querySelector("[data-instant]");
  for (const field of form().elements) {
    if (field.name && field.type !== "hidden") field.value = other.elements[field.name]?.value ?? field.value;
  }
}

function changed(event) {
  const name = event.target.name, now = performance.now();
  if (!name || !form().contains(event.target)) return;
  narrow();
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!form().checkValidity()) return;
    const step = name !== last.field || now - last.at > TYPING;
    last = { field: name, at: performance.now() };
    if (address() !== location.pathname + location.search) go(address(), { step, refill: false });
  }, event.type === "change" ? 0 : WAIT);
}

document.addEventListener("input", changed);
document.addEventListener("change", changed);
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  clearTimeout(timer);
  go(address(), { refill: false });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-go][href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute("href"), { top: Boolean(link.closest(".pages")) });
});
addEventListener("popstate", async () => {
  const page = await ask(location.pathname + location.search);
  if (!page) return location.reload();
  show(page);
  fill(page);
});
