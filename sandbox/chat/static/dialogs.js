// Toasts, dialogs, and the form for a new person.

import { byId } from "./dom.js";
import { t } from "./i18n.js";

const TOAST_MS = 2800;
let toastTimer = 0;

export function showToast(text) {
  clearTimeout(toastTimer);
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  toastTimer = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
}

export function showMessage(text) {
  return showDialog(text, "OK", true);
}

export function showConfirm(text, okLabel) {
  return showDialog(text, okLabel, false);
}

function showDialog(text, okLabel, isMessage) {
  const dialog = byId("alert-dialog");
  byId("alert-text").textContent = text;
  byId("alert-ok").textContent = okLabel;
  byId("alert-cancel").hidden = isMessage;
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
    showToast(t("copied"));
  } catch {
    await showMessage(text);
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
