// What comes up over the page: a short word, a question, the form for somebody new.

import { byId } from "./dom.js";
import { t } from "./i18n.js";

const TOAST_MS = 2800;
let fading = 0;

export function toast(text) {
  clearTimeout(fading);
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  fading = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
}

export function tell(text) {
  return open(text, "OK", true);
}

export function ask(text, yes) {
  return open(text, yes, false);
}

function open(text, yes, isOnlyTold) {
  const dialog = byId("alert-dialog");
  byId("alert-text").textContent = text;
  byId("alert-ok").textContent = yes;
  byId("alert-cancel").hidden = isOnlyTold;
  dialog.showModal();
  return new Promise((resolve) => {
    const close = (answer) => {
      dialog.close();
      resolve(answer);
    };
    byId("alert-ok").onclick = () => close(true);
    byId("alert-cancel").onclick = () => close(false);
    dialog.oncancel = () => resolve(false);
  });
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("copied"));
  } catch {
    await tell(text);
  }
}

export function setUpPersonForm(add) {
  const dialog = byId("person-dialog");
  byId("add-person").addEventListener("click", () => {
    byId("person-form").reset();
    dialog.showModal();
  });
  byId("person-cancel").addEventListener("click", () => dialog.close());
  byId("person-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    dialog.close();
    await add(byId("person-name").value, byId("person-language").value);
  });
}
