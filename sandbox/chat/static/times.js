// Times as the person sees them: in their time zone, by the sandbox's clock.

import { locale, t } from "./i18n.js";

const STYLES = {
  time: { hour: "2-digit", minute: "2-digit" },
  full: { dateStyle: "full", timeStyle: "short" },
  fullDay: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  weekday: { weekday: "short", day: "numeric", month: "short" },
  shortDay: { day: "numeric", month: "short" },
  longDay: { day: "numeric", month: "long" },
  longDayOfYear: { day: "numeric", month: "long", year: "numeric" },
};
const ISO_LOCALE = "sv"; // writes 2026-11-25 09:00:00
const DAY_MS = 864e5;
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];

let formats = {};
let zone = null;
let aheadMs = 0;

// Show times so far ahead of this machine's, in a time zone; null stands for the browser's.
export function setClock(milliseconds, timeZone) {
  aheadMs = milliseconds;
  zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  formats = Object.fromEntries(Object.entries(STYLES).map(([name, style]) => [name, new Intl.DateTimeFormat(locale, { ...style, timeZone: zone })]));
  formats.iso = new Intl.DateTimeFormat(ISO_LOCALE, { dateStyle: "short", timeStyle: "medium", timeZone: zone });
}

setClock(0, null);

const at = (seconds) => new Date(seconds * 1000);
export const now = () => (Date.now() + aheadMs) / 1000;
export const getZone = () => zone;
export const formatTime = (seconds) => formats.time.format(at(seconds));
export const formatDateTime = (seconds) => formats.full.format(at(seconds));
export const formatWeekday = (seconds) => formats.weekday.format(at(seconds));
export const formatFullDay = (seconds) => formats.fullDay.format(at(seconds));

// The local time as the field of a form has it: 2026-11-25T09:00:00.
export const toLocal = (seconds) => formats.iso.format(at(seconds)).replace(" ", "T");
export const dayKey = (seconds) => toLocal(seconds).slice(0, 10);
export const addDays = (key, days) => new Date(Date.parse(key) + days * DAY_MS).toISOString().slice(0, 10);

export function formatDay(seconds) {
  const [day, today] = [dayKey(seconds), dayKey(now())];
  if (day === today) return t("today");
  if (day === addDays(today, -1)) return t("yesterday");
  return (day.slice(0, 4) === today.slice(0, 4) ? formats.longDay : formats.longDayOfYear).format(at(seconds));
}

export function formatShortDate(seconds) {
  return dayKey(seconds) === dayKey(now()) ? formatTime(seconds) : formats.shortDay.format(at(seconds));
}

// The two largest units, for example "1 day 3 hours".
export function formatDuration(seconds) {
  const parts = [];
  let rest = seconds;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count && parts.length < 2) parts.push(new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count));
  }
  return parts.join(" ");
}
