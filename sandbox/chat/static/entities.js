// Telegram's entities as elements. Offsets are UTF-16 code units, which is what JavaScript counts.

import { icon, make } from "./dom.js";
import { t } from "./i18n.js";
import { formatDateTime } from "./times.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s" };

// `on` = {link(url, isHidden), command(text), copy(text)}
export function renderText(text, entities, on) {
  const tree = buildTree(text, entities);
  const fragment = document.createDocumentFragment();
  appendNodes(fragment, text, 0, text.length, tree, on);
  return fragment;
}

export function endsInBlock(text, entities) {
  return entities.some((one) => BLOCKS.has(one.type) && one.offset + one.length >= text.trimEnd().length);
}

function buildTree(text, entities) {
  const root = { start: 0, end: text.length, children: [] };
  for (const entity of entities) {
    const node = { entity, start: entity.offset, end: entity.offset + entity.length, children: [] };
    let parent = root;
    for (;;) {
      const inner = parent.children.at(-1);
      if (!inner || inner.end <= node.start) break;
      parent = inner;
    }
    node.end = Math.min(node.end, parent.end);
    if (node.end > node.start) parent.children.push(node);
  }
  return root.children;
}

function appendNodes(parent, text, start, end, nodes, on) {
  let position = start;
  for (const node of nodes) {
    const isBlock = BLOCKS.has(node.entity.type);
    const before = text.slice(position, node.start);
    parent.append(isBlock ? before.replace(/\n+$/, "\n") : before, element(node, text, on));
    position = node.end;
    if (isBlock) position += /^\n{0,2}/.exec(text.slice(position, end))[0].length;
  }
  if (position < end) parent.append(text.slice(position, end));
}

function element(node, text, on) {
  const { entity } = node;
  const own = text.slice(node.start, node.end);
  const build = BUILDERS[entity.type];
  if (build) return build(entity, own, () => children(node, text, on), on);
  return wrap(SIMPLE[entity.type] ?? "span", {}, children(node, text, on));
}

function children(node, text, on) {
  const fragment = document.createDocumentFragment();
  appendNodes(fragment, text, node.start, node.end, node.children, on);
  return fragment;
}

function wrap(tag, options, content) {
  const built = make(tag, options);
  built.append(content);
  return built;
}

export function link(url, content, isHidden, on) {
  const options = { href: url, rel: "noopener noreferrer nofollow", target: "_blank", title: url };
  const anchor = wrap("a", options, content);
  anchor.addEventListener("click", (event) => on.link(event, url, isHidden));
  return anchor;
}

const withScheme = (url) => (/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `http://${url}`);

const BUILDERS = {
  url: (_, own, content, on) => link(withScheme(own), content(), false, on),
  email: (_, own, content, on) => link(`mailto:${own}`, content(), false, on),
  text_link: (entity, own, content, on) => link(safe(entity.url), content(), entity.url !== own, on),
  mention: (_, __, content) => wrap("span", { class: "command" }, content()),
  text_mention: (_, __, content) => wrap("span", { class: "command" }, content()),
  hashtag: (_, __, content) => wrap("span", { class: "command" }, content()),
  cashtag: (_, __, content) => wrap("span", { class: "command" }, content()),
  bot_command: (_, own, content, on) =>
    wrap("button", { class: "command", type: "button", on: { click: () => on.command(own) } }, content()),
  date_time: (entity, _, content) => wrap("time", { class: "command", title: formatDateTime(entity.unix_time) }, content()),
  code: (_, own, content, on) => wrap("code", { title: t("copy"), on: { click: () => on.copy(own) } }, content()),
  pre: (entity, own, content, on) => block(entity, own, content, on),
  spoiler: (_, __, content) => spoiler(content()),
  blockquote: (_, __, content) => wrap("blockquote", {}, wrap("div", { class: "inner" }, content())),
  expandable_blockquote: (_, __, content) => foldable(content()),
};

// Only schemes that a chat may open; `javascript:` is not one of them.
export function safe(url) {
  return /^(https?|tg|mailto|tel|ftp|ton):/i.test(url) ? url : "about:blank";
}

export function block(entity, own, content, on) {
  const copy = make("button", { type: "button", on: { click: () => on.copy(own) } }, icon("copy"), t("copy"));
  const head = make("header", {}, make("span", { text: entity.language ?? "" }), copy);
  return make("div", { class: "block" }, head, wrap("pre", { tabindex: "0" }, content()));
}

export function spoiler(content) {
  const hidden = wrap("span", {}, content);
  const cover = make("span", { class: "spoiler", role: "button", tabindex: "0", label: t("spoiler") }, hidden);
  const open = () => {
    for (const one of cover.closest(".text").querySelectorAll(".spoiler")) {
      one.classList.add("open");
      for (const name of ["role", "tabindex", "aria-label", "title"]) one.removeAttribute(name);
    }
  };
  cover.addEventListener("click", open, { once: true });
  cover.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open();
    }
  });
  return cover;
}

export function foldable(content) {
  const inner = wrap("div", { class: "inner" }, content);
  const unfold = make("button", { class: "unfold", type: "button", text: t("more"), "aria-expanded": "false" });
  const quote = make("blockquote", { class: "folded" }, inner, unfold);
  unfold.addEventListener("click", () => {
    const isFolded = quote.classList.toggle("folded");
    unfold.textContent = t(isFolded ? "more" : "less");
    unfold.setAttribute("aria-expanded", String(!isFolded));
  });
  new ResizeObserver(() => {
    if (quote.classList.contains("folded")) unfold.hidden = inner.scrollHeight <= inner.clientHeight + 1;
  }).observe(inner);
  return quote;
}
