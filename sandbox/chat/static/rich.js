// Blocks of rich messages as elements. No media are loaded: cards with their kinds stand for them.

import { icon, make } from "./dom.js";
import { block, foldable } from "./entities.js";
import { formula } from "./formula.js";
import { t } from "./i18n.js";
import { flat, renderRichText, richButton } from "./richtext.js";

const MEDIA = { photo: "picture", video: "picture", animation: "picture", audio: "sound", voice_note: "sound", document: "file" };
const mediaName = { photo: () => t("photo"), video: () => t("video"), animation: () => t("animation"), audio: () => t("audio"), voice_note: () => t("voice"), document: () => t("document") };

// `on` = the callbacks of entities.js, and press(button, node)
export function renderBlocks(blocks, on) {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks.map((one) => element(one, on)));
  return fragment;
}

function element(one, on) {
  const build = MEDIA[one.type] ? media : BUILDERS[one.type];
  return build ? build(one, on) : make("p", { text: `[${one.type}]` });
}

function texted(tag, text, on, options = {}) {
  const node = make(tag, options);
  node.append(renderRichText(text, on));
  return node;
}

const BUILDERS = {
  paragraph: (one, on) => texted("p", one.text, on),
  heading: (one, on) => texted("div", one.text, on, { class: `heading size-${one.size}`, role: "heading", "aria-level": Math.min(one.size + 1, 6) }),
  pre: (one, on) => block({ language: one.language }, flat(one.text), () => renderRichText(one.text, on), on),
  footer: (one, on) => texted("footer", one.text, on),
  thinking: (one, on) => texted("p", one.text, on, { class: "thinking" }),
  divider: () => make("hr"),
  anchor: (one) => make("span", { "data-anchor": one.name }),
  mathematical_expression: (one) => scrolling(formula(one.expression, "block"), one.expression),
  list: (one, on) => make(one.items[0]?.type ? "ol" : "ul", {}, ...one.items.map((item) => listItem(item, on))),
  blockquote: (one, on) => quote(renderBlocks(one.blocks, on), one.credit, on),
  expandable_blockquote: (one, on) => foldableQuote(one, on),
  pullquote: (one, on) => make("aside", {}, texted("p", one.text, on), credit(one.credit, on)),
  details: (one, on) => details(one, on),
  table: (one, on) => table(one, on),
  buttons: (one, on) => make("div", { class: `row-of-buttons ${one.align ?? ""}` }, ...one.buttons.map((button) => richButton(button, on))),
  collage: (one, on) => gallery(one, on),
  slideshow: (one, on) => gallery(one, on),
  map: (one, on) => captioned(card("place", t("map"), `${one.location.latitude}, ${one.location.longitude}`), one, on),
};

function listItem(item, on) {
  const mark = item.has_checkbox ? checkbox(item.is_checked) : make("span", { class: "label", text: item.label });
  const body = make("div", {});
  body.append(renderBlocks(item.blocks, on));
  return make("li", { class: item.is_checked ? "done" : "" }, mark, body);
}

function checkbox(isChecked) {
  const box = make("input", { type: "checkbox", disabled: "" });
  box.checked = Boolean(isChecked);
  return box;
}

function credit(text, on) {
  return text ? texted("cite", text, on) : null;
}

function quote(content, by, on) {
  const inner = make("div", { class: "inner" });
  inner.append(content);
  return make("blockquote", {}, inner, credit(by, on));
}

function foldableQuote(one, on) {
  const node = foldable(renderRichText(one.text, on));
  const by = credit(one.credit, on);
  if (by) node.append(by);
  return node;
}

function details(one, on) {
  const body = make("div", { class: "body" });
  body.append(renderBlocks(one.blocks, on));
  const node = make("details", {}, texted("summary", one.summary, on), body);
  node.open = Boolean(one.is_open);
  node.addEventListener("click", (event) => event.stopPropagation());
  return node;
}

function table(one, on) {
  const flags = ["bordered", "striped", "compact"].filter((flag) => one[`is_${flag}`]);
  const rows = one.cells.map((row) => make("tr", {}, ...row.map((cell) => tableCell(cell, on))));
  const caption = one.caption ? [texted("caption", one.caption, on)] : [];
  const grid = make("table", { class: flags.join(" ") }, ...caption, make("tbody", {}, ...rows));
  return scrolling(grid, one.caption ? flat(one.caption) : t("table"));
}

// Content that is wider than a bubble scrolls; faded edges show that there is more.
function scrolling(content, name) {
  const view = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, content);
  const observer = new ResizeObserver(() => view.classList.toggle("overflows", view.scrollWidth > view.clientWidth + 1));
  observer.observe(view);
  observer.observe(content);
  return view;
}

function tableCell(cell, on) {
  const node = texted(cell.is_header ? "th" : "td", cell.text ?? "", on, { class: `to-${cell.align} at-${cell.valign}` });
  if (cell.text === undefined && !cell.is_header) node.classList.add("empty");
  if (cell.colspan) node.colSpan = cell.colspan;
  if (cell.rowspan) node.rowSpan = cell.rowspan;
  return node;
}

function card(name, title, detail) {
  return make("div", { class: "card" }, icon(name), make("strong", { text: title }), make("span", { text: detail }));
}

function captioned(content, one, on) {
  if (!one.caption) return content;
  const caption = texted("figcaption", one.caption.text ?? "", on);
  const by = credit(one.caption.credit, on);
  if (by) caption.append(by);
  return make("figure", {}, content, caption);
}

function media(one, on) {
  return captioned(card(MEDIA[one.type], mediaName[one.type](), t("notLoaded")), one, on);
}

function gallery(one, on) {
  const view = make("div", { class: "gallery" });
  view.append(renderBlocks(one.blocks, on));
  return captioned(view, one, on);
}
