// Search in the packet: what does not match is hidden, what holds a match is opened. Tables are
// fetched when they are opened, or when a search begins.

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

export function filterPacket() {
  const field = document.querySelector("[data-packet-search]"), packet = document.querySelector("[data-packet]");
  if (!field || !packet) return;
  packet.addEventListener("toggle", (event) => { if (event.target.open) parts(event.target); }, true);
  field.addEventListener("input", async () => {
    await parts(packet);
    apply(packet, field.value.trim().toLowerCase());
  });
}
