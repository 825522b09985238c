// Rich texts inside blocks: a string, a list, or an object with a type.

import { make } from "./dom.js";
import { link, safe, spoiler } from "./entities.js";
import { formula } from "./formula.js";
import { t } from "./i18n.js";
import { getIcon } from "./keyboard.js";
import { formatDateTime } from "./times.js";

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", subscript: "sub", superscript: "sup", marked: "mark" };

export function renderRichText(text, on) {
  const fragment = document.createDocumentFragment();
  for (const one of Array.isArray(text) ? text : [text]) fragment.append(typeof one === "string" ? one : piece(one, on));
  return fragment;
}

export function flat(text) {
  if (typeof text === "string") return text;
  if (Array.isArray(text)) return text.map(flat).join("");
  return text.button ? flat(text.button.text) : flat(text.text ?? text.alternative_text ?? text.expression ?? "");
}

function piece(one, on) {
  const content = () => renderRichText(one.text ?? "", on);
  const build = BUILDERS[one.type];
  if (build) return build(one, content, on);
  return wrap(SIMPLE[one.type] ?? "span", SIMPLE[one.type] ? {} : { class: "command" }, content());
}

function wrap(tag, options, content) {
  const node = make(tag, options);
  node.append(content);
  return node;
}

const BUILDERS = {
  spoiler: (_, content) => spoiler(content()),
  code: (one, content, on) => wrap("code", { title: t("copy"), on: { click: () => on.copy(flat(one.text)) } }, content()),
  date_time: (one, content) => wrap("time", { class: "command", title: formatDateTime(one.unix_time) }, content()),
  custom_emoji: (one) => make("span", { text: one.alternative_text }),
  mathematical_expression: (one) => formula(one.expression, "inline"),
  url: (one, content, on) => link(safe(one.url), content(), flat(one.text) !== one.url, on),
  email_address: (one, content, on) => link(`mailto:${one.email_address}`, content(), false, on),
  phone_number: (one, content, on) => link(`tel:${one.phone_number}`, content(), true, on),
  bot_command: (one, content, on) => wrap("button", { class: "command", type: "button", on: { click: () => on.command(one.bot_command) } }, content()),
  button: (one, _, on) => richButton(one.button, on),
  anchor: (one) => make("span", { "data-anchor": one.name }),
  reference: (one, content) => wrap("span", { "data-anchor": one.name }, content()),
  anchor_link: (one, content) => jump(one.anchor_name, content()),
  reference_link: (one, content) => jump(one.reference_name, content()),
};

// Scroll to the anchor of that name in the same message, or to the message's top.
function jump(name, content) {
  const node = wrap("button", { class: "command", type: "button" }, content);
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    const body = node.closest(".text");
    const target = [...body.querySelectorAll("[data-anchor]")].find((one) => one.dataset.anchor === name) ?? body;
    for (let outer = target.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
    target.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  return node;
}

export function richButton(button, on) {
  const node = wrap("button", { type: "button", class: `rich-button ${button.style ?? ""}` }, renderRichText(button.text, on));
  const mark = getIcon(button);
  if (mark) node.append(mark);
  node.disabled = button.disabled !== undefined;
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    on.press(button, node);
  });
  return node;
}
