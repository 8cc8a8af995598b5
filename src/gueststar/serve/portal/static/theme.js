// Runs before the first paint, so that a chosen theme does not flash; the rest waits for the page.
(() => {
  const root = document.documentElement;
  const kept = localStorage.getItem("gueststar.theme");
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  root.classList.add("js");
})();
