// Puts the page together: who one is, what is said, what happens.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { ask, copy, setUpPersonForm, tell, toast } from "./dialogs.js";
import { botAvatar, byId, make } from "./dom.js";
import { listen } from "./events.js";
import { t, translate } from "./i18n.js";
import { ReplyKeyboard, replyKeyboardOf } from "./keyboard.js";
import { People } from "./people.js";
import { Timeline } from "./timeline.js";

const PRESS_MS = 20_000;
const someone = promised();
const state = { bot: null, isConnected: false, isTyping: false, action: "", arrived: null, waiting: new Map(), answered: new Set() };

translate();
const people = new People(become);
const composer = new Composer({ send, botName });
const keyboard = new ReplyKeyboard(pressKey);
const timeline = new Timeline({ link, copy, press, stop, botName, command: send, reply: (message) => composer.replyTo(message) }, welcome);

byId("theme").addEventListener("click", () => toggleTheme());
byId("violations").addEventListener("click", () => tellViolations());
byId("badge").addEventListener("click", () => tell(byId("promise").textContent));
document.addEventListener("visibilitychange", () => document.hidden || people.seen());
addEventListener("hashchange", () => become(chosenPerson()));
setUpPersonForm(async (name, code) => attempt(async () => {
  const person = await api.addPerson(name, code);
  people.set(await api.getPeople());
  await become(person.id);
}));
listen(handle, (isConnected) => {
  state.isConnected = isConnected;
  showStatus();
});

function promised() {
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

function chosenPerson() {
  const wanted = Number(location.hash.slice(1)) || Number(localStorage.getItem("person"));
  return people.get(wanted)?.id ?? people.all[0]?.id;
}

// Run something that talks to the sandbox; what goes wrong is told.
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof api.Refused) await tell(error.status === 403 ? t("locked") : error.message);
    else toast(t("failed"));
    return false;
  }
}

async function refresh() {
  await attempt(async () => {
    people.set(await api.getPeople());
    await become(people.current ?? chosenPerson(), true);
    showViolations((await api.getViolations()).items.length);
  });
}

async function become(id, isRefresh = false) {
  if (!id || (id === people.current && !isRefresh)) {
    people.setOpen(false);
    return;
  }
  if (!isRefresh || people.current === null) {
    people.select(id);
    someone.resolve();
    composer.setPerson(id);
    localStorage.setItem("person", id);
    history.replaceState(null, "", `#${id}`);
  }
  const arrived = (state.arrived = []);
  await attempt(async () => {
    const [bot, commands, found] = await Promise.all([api.getBot(people.get(id).language_code), api.getCommands(id), api.getMessages(id)]);
    if (people.current !== id) return;
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
  byId("stays").textContent = bot.model_host ? t("readAlong")(bot.model_host) : t("stays");
  byId("promise").textContent = bot.model_host ? t("readAlongPromise")(bot.model_host) : t("promise");
  composer.setCommands(commands);
  showStatus();
}

async function refreshBot() {
  const id = people.current;
  if (id === null) return;
  await attempt(async () => {
    showBot(await api.getBot(people.get(id).language_code), await api.getCommands(id));
    if (!timeline.messages.length) timeline.reset([]);
  });
}

function showViolations(count) {
  byId("violations").hidden = !count;
  byId("violations-count").textContent = count;
}

async function tellViolations() {
  await attempt(async () => {
    const lines = (await api.getViolations()).items.map((one) => `${one.method}: ${one.kind.replace("_", " ")} · ${one.detail}`);
    const counts = new Map();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    const told = [...counts].slice(-12).map(([line, count]) => (count > 1 ? `${line} (×${count})` : line));
    await tell([t("violations"), "", ...told].join("\n"));
  });
}

function showKeyboard() {
  keyboard.show(replyKeyboardOf(timeline.messages));
  composer.setPlaceholder(keyboard.placeholder);
}

function setTyping(isTyping, action = "") {
  state.isTyping = isTyping;
  state.action = action;
  timeline.setTyping(isTyping);
  showStatus();
}

function handle(kind, data) {
  if (kind === "hello") refresh();
  else if (kind === "violations") showViolations(data.count);
  else if (kind === "bot") refreshBot();
  else if (kind === "message" || kind === "edit") changed(kind, data);
  else if (data.person_id !== people.current) return;
  else if (kind === "delete") deleted(data);
  else if (kind === "typing") setTyping(data.typing, data.action);
  else if (kind === "draft") timeline.setDraft(data.draft_id ? data : null);
  else if (kind === "answer") answered(data);
}

function changed(kind, message) {
  people.note(message, kind === "message");
  if (message.person_id !== people.current) return;
  state.arrived?.push(message); // what is asked for at this moment may come without it
  timeline.upsert(message);
  if (kind === "message" && message.reply_markup?.force_reply) composer.replyTo(message);
  showKeyboard();
}

function deleted({ message_id }) {
  timeline.remove(message_id);
  showKeyboard();
}

// Who is quicker than the page is sent for once it knows who they are.
function send(text, replyTo) {
  return attempt(async () => {
    await someone.promise;
    await api.say(people.current, text, replyTo);
  });
}

function pressKey(button) {
  const isSpecial = Object.keys(button).some((name) => name.startsWith("request_") || name === "web_app");
  if (isSpecial) toast(t("noSuchButton"));
  else send(button.text);
}

async function press(message, button, node) {
  if (button.url) await openLink(button.url);
  else if (button.copy_text) await copy(button.copy_text.text);
  else if (!button.callback_data) toast(t("noSuchButton"));
  else if (!node.classList.contains("waiting")) await pressCallback(message, button, node);
}

async function pressCallback(message, button, node) {
  node.classList.add("waiting");
  const rest = () => node.classList.remove("waiting");
  const isSent = await attempt(async () => {
    const { callback_query_id } = await api.press(people.current, message.message_id, button.callback_data);
    if (state.answered.delete(callback_query_id)) rest();
    else state.waiting.set(callback_query_id, rest);
  });
  if (isSent) setTimeout(rest, PRESS_MS);
  else rest();
}

function stop(draft) {
  return attempt(() => api.stop(people.current, draft));
}

function answered({ callback_query_id, text, show_alert }) {
  const rest = state.waiting.get(callback_query_id);
  if (rest) rest();
  else state.answered.add(callback_query_id);
  state.waiting.delete(callback_query_id);
  if (text && show_alert) tell(text);
  else if (text) toast(text);
}

function link(event, url, isHidden) {
  event.stopPropagation();
  if (!isHidden && /^(https?|mailto):/i.test(url)) return;
  event.preventDefault();
  openLink(url);
}

async function openLink(url) {
  if (!/^(https?|mailto):/i.test(url)) toast(t("noSuchButton"));
  else if (await ask(`${t("openLink")}\n\n${url}`, t("open"))) window.open(url, "_blank", "noopener,noreferrer");
}

function welcome() {
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
