// Locations: the card in a message, and the dialog in which a person chooses one.

import { byId, icon, make } from "./dom.js";
import { language, t } from "./i18n.js";

const COORDINATES = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/;
const MAX_SHOWN = 60;

export const formatCoordinates = ({ latitude, longitude }) => `${latitude}, ${longitude}`;

// One line for previews of a message.
export const summarize = (message) => (message.location ? `📍 ${t("location")}` : message.text.replace(/\s+/g, " "));

export function locationCard(location) {
  const map = make("div", { class: "map", "aria-hidden": "true" }, icon("map"), icon("pin"));
  const caption = make("figcaption", {}, make("b", { text: t("location") }), make("span", { text: formatCoordinates(location) }));
  return make("figure", { class: "location" }, map, caption);
}

export class LocationPicker {
  #dialog = byId("location-dialog");
  #input = byId("location-input");
  #list = byId("location-list");
  #places = null;
  #found = [];

  // `on` = {load(language) → Promise of places or null, send(place)}
  constructor(on) {
    this.on = on;
    byId("open-location").addEventListener("click", () => this.open());
    byId("location-cancel").addEventListener("click", () => this.#dialog.close());
    this.#input.addEventListener("input", () => this.#show());
    byId("location-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#input.value.trim() && this.#found.length) this.#choose(this.#found[0]);
    });
  }

  async open() {
    this.#input.value = "";
    this.#dialog.showModal();
    this.#places ??= await this.on.load(language);
    this.#show();
  }

  #show() {
    this.#found = this.#search(this.#input.value).slice(0, MAX_SHOWN);
    const empty = this.#places && !this.#found.length ? [make("li", { class: "muted", text: t("noSuchPlace") })] : [];
    this.#list.replaceChildren(...this.#found.map((place) => make("li", {}, this.#row(place))), ...empty);
    this.#list.scrollTop = 0;
  }

  // Places whose name begins with the text come first.
  #search(text) {
    const [, latitude, longitude] = COORDINATES.exec(text) ?? [];
    if (latitude && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) {
      return [{ name: text.trim(), latitude: Number(latitude), longitude: Number(longitude) }];
    }
    const wanted = normalize(text);
    const found = (this.#places ?? []).filter((place) => normalize(place.name).includes(wanted));
    const rank = (place) => (normalize(place.name).startsWith(wanted) ? 0 : 1);
    return found.sort((one, other) => rank(one) - rank(other));
  }

  #row(place) {
    const region = [place.admin1, place.country].filter((part) => part && part !== place.name).join(", ");
    const click = () => this.#choose(place);
    return make("button", { type: "button", on: { click } }, icon("place"), make("b", { text: place.name }), make("span", { text: region || formatCoordinates(place) }));
  }

  #choose(place) {
    this.#dialog.close();
    this.on.send(place);
  }
}

const normalize = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").trim().toLowerCase();
