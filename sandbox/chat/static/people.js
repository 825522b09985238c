// The list of people, with the last message and the unread count of each chat.

import { avatar, byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { summarize } from "./location.js";
import { formatShortDate } from "./times.js";

export class People {
  #people = new Map();
  #unread = new Map();
  #panel = byId("people");
  #opener = byId("open-people");

  constructor(choose) {
    this.choose = choose;
    this.current = null;
    this.#opener.addEventListener("click", () => this.setOpen(true));
    byId("you").addEventListener("click", () => this.setOpen(true));
    byId("close-people").addEventListener("click", () => this.setOpen(false));
    byId("scrim").addEventListener("click", () => this.setOpen(false));
    addEventListener("keydown", (event) => event.key === "Escape" && this.setOpen(false));
  }

  get all() {
    return [...this.#people.values()];
  }

  get(id) {
    return this.#people.get(id);
  }

  set(people) {
    this.#people = new Map(people.map((one) => [one.id, one]));
    this.render();
  }

  select(id) {
    this.current = id;
    this.#unread.delete(id);
    this.setOpen(false);
    this.render();
  }

  recordMessage(message, isNew) {
    const person = this.#people.get(message.person_id);
    if (!person) return;
    if (isNew || person.last_message?.message_id === message.message_id) person.last_message = message;
    const isElsewhere = message.person_id !== this.current || document.hidden;
    if (isNew && message.from === "bot" && isElsewhere) {
      this.#unread.set(message.person_id, (this.#unread.get(message.person_id) ?? 0) + 1);
    }
    this.render();
  }

  markRead() {
    this.#unread.delete(this.current);
    this.render();
  }

  setOpen(isOpen) {
    const wasOpen = this.#panel.classList.contains("open");
    this.#panel.classList.toggle("open", isOpen);
    this.#opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.#panel.querySelector("[aria-current]")?.focus();
    else if (wasOpen) this.#opener.focus();
  }

  render() {
    byId("people-list").replaceChildren(...this.all.map((person) => make("li", {}, this.#row(person))));
    const total = [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
    byId("elsewhere").hidden = !total;
    byId("elsewhere").textContent = total;
    document.title = `${total ? `(${total}) ` : ""}Smart Assistant · ${t("badge").toLowerCase()}`;
    const current = this.#people.get(this.current);
    if (!current) return;
    byId("you").replaceChildren(avatar(current));
    byId("you").title = `${t("writeAs")} ${fullName(current)}`;
    byId("you").setAttribute("aria-label", byId("you").title);
  }

  #row(person) {
    const last = person.last_message;
    const unread = this.#unread.get(person.id);
    const name = make("span", { class: "name", text: fullName(person) }, make("small", { text: person.language_code }));
    const row = make(
      "button",
      { class: "person", type: "button", on: { click: () => this.choose(person.id) } },
      avatar(person),
      name,
      make("span", { class: "when", text: last ? formatShortDate(last.date) : "" }),
      make("span", { class: "last", text: last ? preview(last) : t("empty") }),
      unread ? make("span", { class: "count", text: unread }) : null,
    );
    if (person.id === this.current) row.setAttribute("aria-current", "true");
    return row;
  }
}

export const fullName = (person) => [person.first_name, person.last_name].filter(Boolean).join(" ");

function preview(message) {
  const text = summarize(message).slice(0, 120);
  return message.from === "person" ? `${t("you")}: ${text}` : text;
}
