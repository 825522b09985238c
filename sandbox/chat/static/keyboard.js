// Inline buttons under a message, and the reply keyboard.

import { byId, icon, make } from "./dom.js";

const STYLES = new Set(["primary", "success", "danger"]);
const getStyle = (button) => (STYLES.has(button.style) ? button.style : "");
export const getIcon = (button) => (button.url ? icon("out") : button.copy_text ? icon("copy") : null);

export function inlineKeyboard(rows, press) {
  return make("div", { class: "inline" }, ...rows.map((row) => make("div", {}, ...row.map((button) => inlineButton(button, press)))));
}

function inlineButton(button, press) {
  const node = make("button", { type: "button", class: getStyle(button), text: button.text }, getIcon(button));
  node.disabled = button.disabled !== undefined;
  node.addEventListener("click", () => press(button, node));
  return node;
}

// Return a chat's reply keyboard: the newest bot message that sets or removes one decides.
export function findReplyKeyboard(messages) {
  for (const message of [...messages].reverse()) {
    const markup = message.from === "bot" ? message.reply_markup : null;
    if (markup?.remove_keyboard) return null;
    if (markup?.keyboard) return { ...markup, message_id: message.message_id };
  }
  return null;
}

export class ReplyKeyboard {
  #panel = byId("keyboard");
  #toggle = byId("toggle-keyboard");
  #shown = null;

  constructor(press) {
    this.press = press;
    this.#toggle.addEventListener("click", () => this.#setOpen(this.#panel.hidden));
  }

  show(markup) {
    const isNew = markup?.message_id !== this.#shown?.message_id;
    this.#shown = markup;
    this.#toggle.hidden = !markup || Boolean(markup.is_persistent);
    if (!markup) this.#setOpen(false);
    if (!markup || !isNew) return;
    this.#panel.replaceChildren(...markup.keyboard.map((row) => make("div", {}, ...row.map((button) => this.#button(button)))));
    this.#setOpen(true);
  }

  get placeholder() {
    return this.#shown?.input_field_placeholder;
  }

  #button(button) {
    const node = make("button", { type: "button", class: getStyle(button), text: button.text });
    node.addEventListener("click", () => {
      this.press(button);
      if (this.#shown?.one_time_keyboard) this.#setOpen(false);
    });
    return node;
  }

  #setOpen(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
  }
}
