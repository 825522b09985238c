// One message as an element.

import { icon, make } from "./dom.js";
import { endsInBlock, renderText } from "./entities.js";
import { t } from "./i18n.js";
import { inlineKeyboard } from "./keyboard.js";
import { formatCoordinates, locationCard, summarize } from "./location.js";
import { renderBlocks } from "./rich.js";
import { formatDateTime, formatTime } from "./times.js";

// `on` = the callbacks of entities.js, and {reply(message), press(message, button, node), jump(id)}
export function makeBubble(message, original, on) {
  const node = make("article", { class: `message ${message.from === "bot" ? "theirs" : "mine"}` });
  node.dataset.id = message.message_id;
  fillBubble(node, message, original, on);
  return node;
}

export function fillBubble(node, message, original, on) {
  node.classList.toggle("rich", Boolean(message.rich_message));
  const bubble = make("div", { class: "bubble" }, quoted(message, original, on), text(message, on));
  bubble.addEventListener("click", () => node.classList.toggle("touched"));
  const buttons = message.reply_markup?.inline_keyboard;
  const inline = buttons?.length ? inlineKeyboard(buttons, (button, place) => on.press(message, button, place)) : null;
  node.replaceChildren(bubble, tools(message, on), ...(inline ? [inline] : []));
}

function text(message, on) {
  if (message.location) return make("div", { class: "text ends-in-block" }, locationCard(message.location), meta(message));
  if (message.rich_message) return richText(message, on);
  const block = endsInBlock(message.text, message.entities) ? " ends-in-block" : "";
  const body = make("div", { class: `text${block}`, dir: "auto" });
  body.append(renderText(message.text, message.entities, on), meta(message));
  return body;
}

function richText(message, on) {
  const press = (button, place) => on.press(message, button, place);
  const body = make("div", { class: "text ends-in-block", dir: message.rich_message.is_rtl ? "rtl" : "auto" });
  body.append(renderBlocks(message.rich_message.blocks, { ...on, press }), meta(message));
  return body;
}

function meta(message) {
  const edited = message.edited ? make("span", { text: t("edited") }) : null;
  const time = make("time", { text: formatTime(message.date), title: formatDateTime(message.date) });
  const state = message.from === "person" ? icon(message.read ? "read" : "sent") : null;
  return make("span", { class: "meta" }, edited, time, state);
}

function quoted(message, original, on) {
  if (!message.reply_to || !original) return null;
  const who = make("strong", { text: original.from === "bot" ? on.botName() : t("you") });
  const what = make("span", { text: summarize(original) });
  const click = () => on.jump(original.message_id);
  return make("button", { class: "quoted", type: "button", on: { click } }, who, what);
}

function tools(message, on) {
  const reply = make("button", { type: "button", label: t("reply"), on: { click: () => on.reply(message) } }, icon("reply"));
  const copy = make("button", { type: "button", label: t("copyText"), on: { click: () => on.copy(message.location ? formatCoordinates(message.location) : message.text) } }, icon("copy"));
  return make("div", { class: "tools" }, reply, copy);
}

export function makeTyping() {
  const dots = make("div", { class: "dots" }, make("i"), make("i"), make("i"));
  return make("article", { class: "message theirs first last typing" }, make("div", { class: "bubble", "aria-label": t("typing") }, dots));
}

export function makeDraft() {
  const bubble = make("div", { class: "bubble" }, make("div", { class: "text", dir: "auto" }));
  return make("article", { class: "message theirs first last draft" }, bubble, make("div", { class: "stop" }));
}

export function fillDraft(node, draft, on) {
  const body = node.querySelector(".text");
  node.classList.toggle("rich", Boolean(draft.rich_message));
  body.classList.toggle("waits", !draft.text && !draft.rich_message);
  if (draft.rich_message) body.replaceChildren(renderBlocks(draft.rich_message.blocks, { ...on, press: () => {} }));
  else body.replaceChildren(renderText(draft.text || t("thinking"), draft.text ? draft.entities : [], on));
  showStopButton(node.querySelector(".stop"), draft, on);
}

// The button is created once and kept for all frames, so that a press is never lost to a redraw.
function showStopButton(place, draft, on) {
  place.hidden = !draft.can_stop;
  place.dataset.draft = draft.draft_id;
  if (place.firstChild) return;
  const stop = make("button", { type: "button" }, icon("stop"), t("stop"));
  stop.addEventListener("click", () => on.stop(place.dataset.draft));
  place.append(stop);
}
