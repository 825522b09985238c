// Builders of elements. Data only becomes text nodes and attributes, never markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, { class: classes, text, label, on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  if (text !== undefined) node.textContent = text;
  if (label) {
    node.setAttribute("aria-label", label);
    node.title = label;
  }
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export function avatar(person) {
  const initial = [...person.first_name][0]?.toUpperCase() ?? "?";
  return make("span", { class: `avatar tone-${person.id % 7}`, text: initial, "aria-hidden": "true" });
}

export function botAvatar() {
  return make("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bot"));
}
