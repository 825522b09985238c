// Connects the parts of the page: the chosen person, the conversation, live events.

import * as api from "./api.js";
import { SandboxClock } from "./clock.js";
import { Composer } from "./composer.js";
import { copy, setUpPersonForm, showConfirm, showMessage, showToast } from "./dialogs.js";
import { botAvatar, byId, make } from "./dom.js";
import { listenToEvents } from "./events.js";
import { t, translate } from "./i18n.js";
import { findReplyKeyboard, ReplyKeyboard } from "./keyboard.js";
import { LocationPicker } from "./location.js";
import { People } from "./people.js";
import { Timeline } from "./timeline.js";

const PRESS_MS = 20_000;
const firstPerson = createDeferred();
const state = { bot: null, isConnected: false, isTyping: false, action: "", arrived: null, waiting: new Map(), answered: new Set() };

translate();
const people = new People(selectPerson);
const composer = new Composer({ send, botName });
const keyboard = new ReplyKeyboard(pressKeyboardButton);
const timeline = new Timeline({ link, copy, press, stop, botName, command: send, reply: (message) => composer.replyTo(message) }, makeWelcome);
const clock = new SandboxClock({ move: moveClock, changed: showTimesAgain });
const locationPicker = new LocationPicker({ load: loadPlaces, send: sendLocation });

byId("theme").addEventListener("click", () => toggleTheme());
byId("violations").addEventListener("click", () => showViolationList());
byId("badge").addEventListener("click", () => showMessage(byId("promise").textContent));
document.addEventListener("visibilitychange", () => document.hidden || people.markRead());
addEventListener("hashchange", () => selectPerson(getChosenPersonId()));
setUpPersonForm(async (name, code) => attempt(async () => {
  const person = await api.addPerson(name, code);
  people.set(await api.getPeople());
  await selectPerson(person.id);
}));
listenToEvents(handleEvent, (isConnected) => {
  state.isConnected = isConnected;
  showStatus();
});

function createDeferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

function botName() {
  return state.bot?.name ?? "Smart Assistant";
}

function showStatus() {
  const isBusy = state.isConnected && state.isTyping;
  const doing = state.action && state.action !== "typing" ? t("upload") : t("typing");
  byId("status").textContent = !state.isConnected ? t("connecting") : isBusy ? doing : t("bot");
  byId("status").classList.toggle("busy", isBusy);
}

function getChosenPersonId() {
  const wanted = Number(location.hash.slice(1)) || Number(localStorage.getItem("person"));
  return people.get(wanted)?.id ?? people.all[0]?.id;
}

// Run a function that calls the API and show its error. Resolves to whether it succeeded.
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof api.ApiError) await showMessage(error.status === 403 ? t("locked") : error.message);
    else showToast(t("failed"));
    return false;
  }
}

async function refresh() {
  await attempt(async () => {
    people.set(await api.getPeople());
    await selectPerson(people.current ?? getChosenPersonId(), true);
    showViolations((await api.getViolations()).items.length);
  });
}

async function selectPerson(id, isRefresh = false) {
  if (!id || (id === people.current && !isRefresh)) {
    people.setOpen(false);
    return;
  }
  if (!isRefresh || people.current === null) {
    people.select(id);
    firstPerson.resolve();
    composer.setPerson(id);
    localStorage.setItem("person", id);
    history.replaceState(null, "", `#${id}`);
  }
  const arrived = (state.arrived = []);
  await attempt(async () => {
    const [bot, commands, found, time] = await Promise.all([api.getBot(), api.getCommands(id), api.getMessages(id), api.getClock(id)]);
    if (people.current !== id) return;
    clock.show(time);
    showBot(bot, commands);
    timeline.reset(found.items);
    arrived.forEach((message) => timeline.upsert(message));
    if (state.arrived === arrived) state.arrived = null;
    setTyping(found.typing);
    timeline.setDraft(found.draft);
    showKeyboard();
  });
}

function showBot(bot, commands) {
  state.bot = bot;
  byId("bot-name").textContent = bot.name;
  byId("stays").textContent = bot.model_host ? t("messagesGoTo")(bot.model_host) : t("stays");
  byId("promise").textContent = bot.model_host ? t("promiseWithHost")(bot.model_host) : t("promise");
  composer.setCommands(commands);
  showStatus();
}

async function refreshBot() {
  const id = people.current;
  if (id === null) return;
  await attempt(async () => {
    showBot(await api.getBot(), await api.getCommands(id));
    if (!timeline.messages.length) timeline.reset([]);
  });
}

// The person may have changed their time zone in the chat.
async function refreshClock() {
  const id = people.current;
  if (id === null || !clock.isShown) return;
  const time = await api.getClock(id).catch(() => null); // the next message tries again
  if (time && id === people.current) clock.show(time);
}

async function moveClock(body) {
  await attempt(async () => clock.show(await api.moveClock(body)));
}

function showTimesAgain() {
  people.render();
  timeline.redraw();
}

function showViolations(count) {
  byId("violations").hidden = !count;
  byId("violations-count").textContent = count;
}

async function showViolationList() {
  await attempt(async () => {
    const lines = (await api.getViolations()).items.map((one) => `${one.method}: ${one.kind.replace("_", " ")} · ${one.detail}`);
    const counts = new Map();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    const shown = [...counts].slice(-12).map(([line, count]) => (count > 1 ? `${line} (×${count})` : line));
    await showMessage([t("violations"), "", ...shown].join("\n"));
  });
}

function showKeyboard() {
  keyboard.show(findReplyKeyboard(timeline.messages));
  composer.setPlaceholder(keyboard.placeholder);
}

function setTyping(isTyping, action = "") {
  state.isTyping = isTyping;
  state.action = action;
  timeline.setTyping(isTyping);
  showStatus();
}

function handleEvent(kind, data) {
  if (kind === "hello") refresh();
  else if (kind === "violations") showViolations(data.count);
  else if (kind === "bot") refreshBot();
  else if (kind === "clock") refreshClock();
  else if (kind === "message" || kind === "edit") onMessageChanged(kind, data);
  else if (data.person_id !== people.current) return;
  else if (kind === "delete") onMessageDeleted(data);
  else if (kind === "typing") setTyping(data.typing, data.action);
  else if (kind === "draft") timeline.setDraft(data.draft_id ? data : null);
  else if (kind === "answer") onCallbackAnswered(data);
}

function onMessageChanged(kind, message) {
  people.recordMessage(message, kind === "message");
  if (message.person_id !== people.current) return;
  state.arrived?.push(message); // a message list that is being loaded may not contain it yet
  timeline.upsert(message);
  if (kind === "message" && message.reply_markup?.force_reply) composer.replyTo(message);
  if (kind === "message" && message.from === "bot") refreshClock();
  showKeyboard();
}

function onMessageDeleted({ message_id }) {
  timeline.remove(message_id);
  showKeyboard();
}

// A text that is entered before the people are loaded waits until a person is selected.
function send(text, replyTo) {
  return attempt(async () => {
    await firstPerson.promise;
    await api.sendMessage(people.current, text, replyTo);
  });
}

async function loadPlaces(language) {
  let places = null;
  await attempt(async () => (places = await api.getPlaces(language)));
  return places;
}

function sendLocation(place) {
  return attempt(async () => {
    await firstPerson.promise;
    await api.sendLocation(people.current, place);
  });
}

function pressKeyboardButton(button) {
  const isSpecial = Object.keys(button).some((name) => name.startsWith("request_") || name === "web_app");
  if (button.request_location) locationPicker.open();
  else if (isSpecial) showToast(t("noSuchButton"));
  else send(button.text);
}

async function press(message, button, node) {
  if (button.url) await openLink(button.url);
  else if (button.copy_text) await copy(button.copy_text.text);
  else if (!button.callback_data) showToast(t("noSuchButton"));
  else if (!node.classList.contains("waiting")) await pressCallback(message, button, node);
}

async function pressCallback(message, button, node) {
  node.classList.add("waiting");
  const stopWaiting = () => node.classList.remove("waiting");
  const isSent = await attempt(async () => {
    const { callback_query_id } = await api.pressButton(people.current, message.message_id, button.callback_data);
    if (state.answered.delete(callback_query_id)) stopWaiting();
    else state.waiting.set(callback_query_id, stopWaiting);
  });
  if (isSent) setTimeout(stopWaiting, PRESS_MS);
  else stopWaiting();
}

function stop(draft) {
  return attempt(() => api.stopDraft(people.current, draft));
}

function onCallbackAnswered({ callback_query_id, text, show_alert }) {
  const stopWaiting = state.waiting.get(callback_query_id);
  if (stopWaiting) stopWaiting();
  else state.answered.add(callback_query_id);
  state.waiting.delete(callback_query_id);
  if (text && show_alert) showMessage(text);
  else if (text) showToast(text);
}

function link(event, url, isHidden) {
  event.stopPropagation();
  if (!isHidden && /^(https?|mailto):/i.test(url)) return;
  event.preventDefault();
  openLink(url);
}

async function openLink(url) {
  if (!/^(https?|mailto):/i.test(url)) showToast(t("noSuchButton"));
  else if (await showConfirm(`${t("openLink")}\n\n${url}`, t("open"))) window.open(url, "_blank", "noopener,noreferrer");
}

function makeWelcome() {
  const start = make("button", { class: "start", type: "button", text: t("start"), on: { click: () => send("/start") } });
  return make(
    "section",
    { class: "welcome" },
    botAvatar(),
    make("h2", { text: botName() }),
    make("p", { text: state.bot?.description || t("help") }),
    start,
    make("div", { class: "ideas" }, ...t("ideas").map((idea) => make("button", { type: "button", text: idea, on: { click: () => send(idea) } }))),
  );
}
