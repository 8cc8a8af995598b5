// Notes: written, changed and removed over the API; the list comes from the server each time.
import { say } from "./ui.js";

const JSON_TYPE = { "Content-Type": "application/json" };

export class Notes {
  constructor(root, chosen) {
    this.root = root;
    this.chosen = chosen;
    this.list = root.querySelector("[data-notes-list]");
    this.form = root.querySelector("[data-note-form]");
    this.said = root.querySelector("[data-note-said]");
    this.object = root.dataset.objectId;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.write(); });
    this.form.addEventListener("keydown", (event) => this.send(event, () => this.form.requestSubmit()));
    this.list.addEventListener("click", (event) => this.onClick(event));
  }

  /** Ctrl+Enter (or Cmd) sends, Escape leaves the field. */
  send(event, doIt, leave) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); doIt(); }
    if (event.key === "Escape" && leave) { event.preventDefault(); leave(); }
  }

  /** Ask the API; what it refuses is said in its own sentence. */
  async ask(method, address, body) {
    let answer;
    try { answer = await fetch(address, { method, headers: body ? JSON_TYPE : {}, body: body && JSON.stringify(body) }); }
    catch { this.said.textContent = "The server does not answer; nothing was written."; return false; }
    const told = answer.ok ? null : await answer.json().catch(() => null);
    this.said.textContent = answer.ok ? "" : (told?.error ?? `not written (${answer.status})`);
    return answer.ok;
  }

  async write() {
    const given = new FormData(this.form), text = given.get("text").trim();
    if (!text) return;
    this.key ??= crypto.randomUUID?.() ?? String(Math.random()); // sent twice, written once
    const about = this.object ? { object_id: this.object } : {};
    if (!this.object || given.get("alert")) about.alert_id = this.chosen();
    if (!(await this.ask("POST", "/api/annotations", { ...about, text, kind: given.get("kind"), key: this.key }))) return;
    this.key = null;
    this.form.reset();
    await this.renew();
    say("written");
  }

  async renew() {
    const query = new URLSearchParams(this.object ? { object: this.object } : { alert: this.chosen() });
    const answer = await fetch(`/notes?${query}`);
    if (answer.ok) this.list.innerHTML = await answer.text();
  }

  onClick(event) {
    const note = event.target.closest("[data-note]");
    if (!note) return;
    if (event.target.closest("[data-note-edit]")) this.edit(note);
    const remove = event.target.closest("[data-note-remove]");
    if (remove) this.remove(note, remove);
  }

  edit(note) {
    if (note.querySelector("textarea")) return;
    const text = note.querySelector("[data-text]"), field = document.createElement("textarea");
    Object.assign(field, { value: text.textContent, rows: 3, maxLength: 4000, ariaLabel: "Text of the note; Ctrl+Enter saves, Escape leaves it" });
    const row = Object.assign(document.createElement("p"), { className: "tools" });
    const button = (words, act) => { const made = Object.assign(document.createElement("button"), { type: "button", textContent: words }); made.addEventListener("click", act); row.append(made); };
    const leave = () => { field.remove(); row.remove(); text.hidden = false; note.querySelector("[data-note-edit]").focus(); };
    const save = async () => {
      if (await this.ask("PATCH", `/api/annotations/${note.dataset.note}`, { text: field.value })) { await this.renew(); this.focus(note.dataset.note); say("saved"); }
    };
    button("Save", save);
    button("Leave it", leave);
    field.addEventListener("keydown", (event) => this.send(event, save, leave));
    text.hidden = true;
    text.after(field, row);
    field.focus();
  }

  /** The first press asks, the second removes. */
  async remove(note, button) {
    if (!button.dataset.sure) {
      button.dataset.sure = "yes";
      button.textContent = "Really remove";
      button.addEventListener("blur", () => { delete button.dataset.sure; button.textContent = "Remove"; }, { once: true });
      return;
    }
    if (await this.ask("DELETE", `/api/annotations/${note.dataset.note}`)) { await this.renew(); this.form.querySelector("textarea").focus(); say("removed"); }
  }

  focus(id) { this.list.querySelector(`[data-note="${id}"] [data-note-edit]`)?.focus(); }
}
