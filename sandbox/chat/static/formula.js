// Formulas: the sandbox converts LaTeX to a tree, this module builds MathML from it. Until the tree
// has arrived, the source is shown.

import { getFormula } from "./api.js";
import { make } from "./dom.js";

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
const ATTRIBUTES = new Set(["display", "mathvariant", "stretchy", "fence", "form", "separator", "linethickness", "columnalign", "rowspacing", "columnspacing", "accent", "movablelimits", "minsize", "maxsize", "width", "lspace", "rspace"]);
const known = new Map();

export function formula(source, display) {
  const node = make(display === "block" ? "div" : "span", { class: "formula", title: source });
  node.append(make("code", { text: source }));
  fetchTree(source, display).then((tree) => {
    if (!tree) return;
    node.replaceChildren(build(tree));
    node.dispatchEvent(new Event("grown", { bubbles: true }));
  });
  return node;
}

function fetchTree(source, display) {
  const key = `${display} ${source}`;
  if (!known.has(key)) known.set(key, getFormula(source, display).catch(() => null));
  return known.get(key);
}

function build(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const node = document.createElementNS(NAMESPACE, /^m[a-z]+$/.test(tree.tag) ? tree.tag : "mrow");
  for (const [name, value] of Object.entries(tree.attributes)) if (ATTRIBUTES.has(name)) node.setAttribute(name, value);
  node.append(...tree.children.map(build));
  return node;
}
