// The sandbox's clock: shown in the header, moved forward in a popover.

import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { addDays, dayKey, formatDuration, formatFullDay, formatTime, formatWeekday, getZone, now, setClock, toLocal } from "./times.js";

const TICK_MS = 1000;
const MARGIN = 12;
const PANEL_WIDTH = 340;

export class SandboxClock {
  #button = byId("clock");
  #panel = byId("clock-panel");
  #field = byId("clock-at");
  #offset = 0;
  #day = "";

  // `on` = {move(body) → Promise, changed()}; `changed` is called when other times look different
  constructor(on) {
    this.on = on;
    for (const step of this.#panel.querySelectorAll("[data-seconds]")) {
      step.addEventListener("click", () => on.move({ advance_seconds: Number(step.dataset.seconds) }));
    }
    byId("clock-day").addEventListener("click", () => this.#moveTo(`${this.#tomorrow()}${toLocal(now()).slice(10)}`));
    byId("clock-morning").addEventListener("click", () => this.#moveTo(`${this.#tomorrow()}T09:00`));
    byId("clock-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#moveTo(this.#field.value);
    });
    this.#panel.addEventListener("beforetoggle", (event) => event.newState === "open" && this.#open());
    addEventListener("resize", () => this.#place());
    setInterval(() => this.#tick(), TICK_MS);
  }

  get isShown() {
    return !this.#button.hidden;
  }

  // Show the clock as the API describes it; without one only the browser's time counts.
  show(clock) {
    const ahead = clock.now ? Date.parse(clock.now) - Date.now() : 0;
    const isChanged = this.#offset !== clock.offset_seconds || (clock.timezone !== undefined && clock.timezone !== this.timezone);
    if (clock.timezone !== undefined) this.timezone = clock.timezone;
    this.#offset = clock.offset_seconds;
    setClock(ahead, this.timezone);
    this.#button.hidden = !clock.now;
    this.#button.classList.toggle("moved", this.#offset > 0);
    byId("clock-zone").textContent = getZone().replaceAll("_", " ");
    byId("clock-ahead").hidden = this.#offset < 60;
    byId("clock-ahead").textContent = t("clockAhead")(formatDuration(this.#offset));
    this.#day = dayKey(now());
    this.#tick();
    if (!isChanged) return;
    this.#suggest();
    this.on.changed();
  }

  #tick() {
    const moment = now();
    for (const name of ["clock-time", "clock-now"]) setText(byId(name), formatTime(moment));
    setText(byId("clock-date"), formatWeekday(moment));
    setText(byId("clock-today"), formatFullDay(moment));
    this.#button.title = `${t("clock")}: ${formatWeekday(moment)}, ${formatTime(moment)}`;
    if (dayKey(moment) === this.#day) return;
    this.#day = dayKey(moment);
    this.on.changed();
  }

  #tomorrow() {
    return addDays(dayKey(now()), 1);
  }

  #moveTo(local) {
    return this.on.move({ local_time: local, timezone: getZone() });
  }

  #open() {
    this.#place();
    this.#suggest();
  }

  // Below the button, which is in the header or, on a phone, below it.
  #place() {
    const place = this.#button.getBoundingClientRect();
    const bar = this.#button.parentElement.getBoundingClientRect();
    const width = Math.min(PANEL_WIDTH, innerWidth - 2 * MARGIN);
    this.#panel.style.width = `${width}px`;
    this.#panel.style.top = `${Math.max(place.bottom, bar.bottom) + 8}px`;
    this.#panel.style.left = `${Math.min(innerWidth - MARGIN - width, Math.max(MARGIN, place.left + (place.width - width) / 2))}px`;
  }

  #suggest() {
    this.#field.min = toLocal(now() + 60).slice(0, 16);
    this.#field.value = toLocal(now() + 3600).slice(0, 16);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
