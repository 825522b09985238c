// The message field: grows with its text, suggests commands after a slash, holds the reply target.

import { byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { summarize } from "./location.js";

export class Composer {
  #input = byId("input");
  #send = byId("send");
  #list = byId("commands");
  #openCommands = byId("open-commands");
  #commands = [];
  #offered = [];
  #selected = 0;
  #drafts = new Map();
  #person = null;
  #reply = null;

  // `on` = {send(text, replyTo) → Promise, botName()}
  constructor(on) {
    this.on = on;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => setTimeout(() => this.#offer([]), 150));
    this.#openCommands.addEventListener("click", () => this.#toggleCommands());
    byId("stop-replying").addEventListener("click", () => this.replyTo(null));
  }

  setPerson(id) {
    if (this.#person !== null) this.#drafts.set(this.#person, this.#input.value);
    this.#person = id;
    this.#input.value = this.#drafts.get(id) ?? "";
    this.replyTo(null);
    this.#changed();
  }

  setCommands(commands) {
    this.#commands = commands;
    this.#changed();
  }

  setPlaceholder(text) {
    this.#input.placeholder = text || t("message");
  }

  replyTo(message) {
    this.#reply = message;
    byId("replying").hidden = !message;
    if (!message) return;
    byId("replying-who").textContent = message.from === "bot" ? this.on.botName() : t("you");
    byId("replying-text").textContent = summarize(message);
    this.focus();
  }

  focus() {
    this.#input.focus();
  }

  async #submit(text = this.#input.value) {
    if (!text.trim()) return;
    const reply = this.#reply;
    this.#input.value = "";
    this.replyTo(null);
    this.#changed();
    if (await this.on.send(text, reply?.message_id)) return;
    if (!this.#input.value) this.#input.value = text;
    this.replyTo(reply);
    this.#changed();
  }

  #changed() {
    const field = this.#input;
    field.style.height = "auto";
    field.style.height = `${Math.max(43, field.scrollHeight)}px`;
    field.style.overflowY = field.scrollHeight > field.clientHeight + 2 ? "auto" : "hidden";
    this.#send.disabled = !field.value.trim();
    this.#openCommands.hidden = !this.#commands.length || Boolean(field.value);
    const typed = /^\/(\w*)$/.exec(field.value)?.[1]?.toLowerCase();
    const isTyped = typed !== undefined && document.activeElement === field;
    this.#offer(isTyped ? this.#commands.filter((one) => one.command.startsWith(typed)) : []);
  }

  #toggleCommands() {
    const isOpen = !this.#list.hidden;
    this.focus();
    this.#offer(isOpen ? [] : this.#commands);
  }

  #offer(commands) {
    this.#offered = commands;
    this.#selected = 0;
    this.#list.hidden = !commands.length;
    this.#list.replaceChildren(...commands.map((one, index) => this.#option(one, index)));
    this.#mark();
  }

  #option(command, index) {
    const choose = (event) => {
      event.preventDefault();
      this.#submit(`/${command.command}`);
    };
    const hover = () => {
      this.#selected = index;
      this.#mark();
    };
    return make(
      "li",
      { id: `command-${index}`, role: "option", on: { pointerdown: choose, pointermove: hover } },
      make("b", { text: `/${command.command}` }),
      make("span", { text: command.description }),
    );
  }

  #mark() {
    [...this.#list.children].forEach((node, index) => {
      node.setAttribute("aria-selected", String(index === this.#selected));
      if (index === this.#selected) node.scrollIntoView({ block: "nearest" });
    });
    if (this.#offered.length) this.#input.setAttribute("aria-activedescendant", `command-${this.#selected}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.#offered.length && this.#keyInCommands(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Escape" && this.#reply) this.replyTo(null);
    const isPhone = matchMedia("(hover: none) and (pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !isPhone) {
      event.preventDefault();
      this.#submit();
    }
  }

  #keyInCommands(event) {
    const count = this.#offered.length;
    if (event.key === "ArrowDown") this.#selected = (this.#selected + 1) % count;
    else if (event.key === "ArrowUp") this.#selected = (this.#selected + count - 1) % count;
    else if (event.key === "Escape") this.#offer([]);
    else if (event.key === "Tab") {
      this.#input.value = `/${this.#offered[this.#selected].command} `;
      this.#changed();
    } else if (event.key === "Enter" && !event.shiftKey) this.#submit(`/${this.#offered[this.#selected].command}`);
    else return false;
    this.#mark();
    return true;
  }
}
