// One message as an element.

import { botAvatar, icon, make } from "./dom.js";
import { endsInBlock, renderText } from "./entities.js";
import { momentOf, t, timeOf } from "./i18n.js";
import { inlineKeyboard } from "./keyboard.js";

// `on` = what entities need, and {reply(message), press(message, button, node), jump(id)}
export function makeBubble(message, original, on) {
  const node = make("article", { class: `message ${message.from === "bot" ? "theirs" : "mine"}` });
  node.dataset.id = message.message_id;
  fillBubble(node, message, original, on);
  return node;
}

export function fillBubble(node, message, original, on) {
  const bubble = make("div", { class: "bubble" }, quoted(message, original, on), text(message, on), reaction(message));
  bubble.addEventListener("click", () => node.classList.toggle("touched"));
  const buttons = message.reply_markup?.inline_keyboard;
  const inline = buttons?.length ? inlineKeyboard(buttons, (button, place) => on.press(message, button, place)) : null;
  node.replaceChildren(bubble, tools(message, on), ...(inline ? [inline] : []));
}

function text(message, on) {
  const block = endsInBlock(message.text, message.entities) ? " ends-in-block" : "";
  const body = make("div", { class: `text${block}`, dir: "auto" });
  body.append(renderText(message.text, message.entities, on), meta(message));
  return body;
}

function meta(message) {
  const edited = message.edited ? make("span", { text: t("edited") }) : null;
  const time = make("time", { text: timeOf(message.date), title: momentOf(message.date) });
  const state = message.from === "person" ? icon(message.read ? "read" : "sent") : null;
  return make("span", { class: "meta" }, edited, time, state);
}

function quoted(message, original, on) {
  if (!message.reply_to || !original) return null;
  const who = make("strong", { text: original.from === "bot" ? on.botName() : t("you") });
  const what = make("span", { text: original.text.replace(/\s+/g, " ") });
  const click = () => on.jump(original.message_id);
  return make("button", { class: "quoted", type: "button", on: { click } }, who, what);
}

function reaction(message) {
  return message.reaction ? make("div", { class: "reaction" }, message.reaction, botAvatar()) : null;
}

function tools(message, on) {
  const reply = make("button", { type: "button", label: t("reply"), on: { click: () => on.reply(message) } }, icon("reply"));
  const copy = make("button", { type: "button", label: t("copyText"), on: { click: () => on.copy(message.text) } }, icon("copy"));
  return make("div", { class: "tools" }, reply, copy);
}

export function makeTyping() {
  const dots = make("div", { class: "dots" }, make("i"), make("i"), make("i"));
  return make("article", { class: "message theirs first last typing" }, make("div", { class: "bubble", "aria-label": t("typing") }, dots));
}

export function makeDraft() {
  const bubble = make("div", { class: "bubble" }, make("div", { class: "text", dir: "auto" }));
  return make("article", { class: "message theirs first last draft" }, bubble);
}

export function fillDraft(node, draft, on) {
  const shown = draft.text || t("thinking");
  node.querySelector(".text").replaceChildren(renderText(shown, draft.text ? draft.entities : [], on));
}
