// Search in the packet: what does not match is hidden, what holds a match is opened.

export function filterPacket() {
  const field = document.querySelector("[data-packet-search]"), packet = document.querySelector("[data-packet]");
  if (!field || !packet) return;
  const lines = [...packet.querySelectorAll("[data-line]")];
  const apply = () => {
    const words = field.value.trim().toLowerCase();
    let found = 0;
    for (const line of lines) {
      const hit = !words || line.dataset.line.includes(words);
      line.hidden = !hit;
      if (hit && words) { found += 1; line.closest("details")?.setAttribute("open", ""); }
    }
    for (const part of packet.querySelectorAll("details"))
      part.hidden = Boolean(words) && !part.querySelector("[data-line]:not([hidden])");
    document.querySelector("[data-packet-found]").textContent = words ? `${found} found` : "";
  };
  field.oninput = apply;
  apply();
}
