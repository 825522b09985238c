// The conversation with one person: messages by day and group, typing, draft, scroll position.

import { fillBubble, fillDraft, makeBubble, makeDraft, makeTyping } from "./bubble.js";
import { byId, make } from "./dom.js";
import { dayKey, formatDay } from "./times.js";

const GROUP_SECONDS = 600;
const NEAR_END = 90;

export class Timeline {
  #log = byId("log");
  #jump = byId("jump");
  #unseen = byId("unseen");
  #messages = new Map();
  #nodes = new Map();
  #typing = makeTyping();
  #draft = makeDraft();
  #missed = 0;
  #isAtEnd = true;
  #lastTop = 0;

  constructor(on, makeWelcome) {
    this.on = { ...on, jump: (id) => this.#reveal(id) };
    this.makeWelcome = makeWelcome;
    this.#log.addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    this.#log.addEventListener("grown", () => this.#isAtEnd && this.scrollToEnd());
    this.#jump.addEventListener("click", () => this.scrollToEnd("smooth"));
    new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd()).observe(this.#log);
  }

  get messages() {
    return [...this.#messages.values()];
  }

  // Replace all messages.
  reset(messages) {
    this.#messages = new Map(messages.map((one) => [one.message_id, one]));
    this.#nodes = new Map();
    this.#draft.remove();
    this.#typing.remove();
    this.#missed = 0;
    this.#arrange();
    this.scrollToEnd();
  }

  upsert(message) {
    const isNew = !this.#messages.has(message.message_id);
    this.#messages.set(message.message_id, message);
    const node = this.#nodes.get(message.message_id);
    if (node) fillBubble(node, message, this.#getOriginal(message), this.on);
    this.#arrange(isNew ? message.message_id : null);
    if (isNew && message.from === "person") this.scrollToEnd("smooth");
    else if (this.#isAtEnd) this.scrollToEnd("smooth");
    else if (isNew) this.#countMissed(1);
  }

  // Show all messages again, after the time zone or the day has changed.
  redraw() {
    for (const message of this.messages) {
      const node = this.#nodes.get(message.message_id);
      if (node) fillBubble(node, message, this.#getOriginal(message), this.on);
    }
    this.#arrange();
  }

  remove(id) {
    this.#messages.delete(id);
    this.#nodes.delete(id);
    this.#arrange();
  }

  setTyping(isTyping) {
    if (!isTyping) this.#typing.remove();
    else if (!this.#draft.isConnected) this.#log.append(this.#typing);
    if (isTyping && this.#isAtEnd) this.scrollToEnd("smooth");
  }

  setDraft(draft) {
    if (!draft) {
      this.#draft.remove();
      return;
    }
    this.#typing.remove();
    fillDraft(this.#draft, draft, this.on);
    this.#log.append(this.#draft);
    if (this.#isAtEnd) this.scrollToEnd();
  }

  scrollToEnd(behavior = "auto") {
    this.#isAtEnd = true;
    this.#log.scrollTo({ top: this.#log.scrollHeight, behavior });
    this.#countMissed(0);
  }

  #getOriginal(message) {
    return message.reply_to ? this.#messages.get(message.reply_to) : undefined;
  }

  #getNode(message, newId) {
    let node = this.#nodes.get(message.message_id);
    if (!node) {
      node = makeBubble(message, this.#getOriginal(message), this.on);
      if (message.message_id === newId) node.classList.add("new");
      this.#nodes.set(message.message_id, node);
    }
    return node;
  }

  #arrange(newId = null) {
    const messages = this.messages.sort((one, other) => one.message_id - other.message_id);
    const wanted = messages.length ? [] : [this.makeWelcome()];
    messages.forEach((message, index) => {
      const before = messages[index - 1];
      const after = messages[index + 1];
      if (!before || dayKey(before.date) !== dayKey(message.date)) wanted.push(this.#dayNode(message.date));
      const node = this.#getNode(message, newId);
      node.classList.toggle("first", !isTogether(before, message));
      node.classList.toggle("last", !isTogether(message, after));
      wanted.push(node);
    });
    this.#place(wanted);
  }

  // Insert only nodes that are new or moved: the others keep their state and focus.
  #place(wanted) {
    const wantedNodes = new Set(wanted);
    const trailing = [this.#typing, this.#draft].filter((node) => node.isConnected);
    for (const node of [...this.#log.children]) {
      if (!wantedNodes.has(node) && !trailing.includes(node)) node.remove();
    }
    wanted.forEach((node, index) => {
      if (this.#log.children[index] !== node) this.#log.insertBefore(node, this.#log.children[index] ?? null);
    });
  }

  #dayNode(date) {
    const key = dayKey(date);
    const found = [...this.#log.querySelectorAll(".day")].find((node) => node.dataset.day === key);
    const node = found ?? make("div", { class: "day" });
    node.dataset.day = key;
    node.textContent = formatDay(date);
    return node;
  }

  #reveal(id) {
    const node = this.#nodes.get(id);
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.animate?.([{ filter: "brightness(.86)" }, { filter: "none" }], 900);
  }

  #noteScroll() {
    const below = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight;
    const isUpwards = this.#log.scrollTop < this.#lastTop;
    this.#lastTop = this.#log.scrollTop;
    // The end also moves when the keyboard opens or a message grows; only scrolling up leaves it.
    if (below < NEAR_END) this.#isAtEnd = true;
    else if (isUpwards) this.#isAtEnd = false;
    if (this.#isAtEnd) this.#countMissed(0);
    this.#jump.hidden = this.#isAtEnd;
  }

  #countMissed(more) {
    this.#missed = more ? this.#missed + more : 0;
    this.#unseen.hidden = !this.#missed;
    this.#unseen.textContent = this.#missed;
  }
}

function isTogether(one, other) {
  return Boolean(
    one && other && one.from === other.from && dayKey(one.date) === dayKey(other.date) && other.date - one.date < GROUP_SECONDS,
  );
}
