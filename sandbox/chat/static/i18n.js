// Texts of the interface: Russian for browsers set to Russian, English for all others.

const TEXTS = {
  en: {
    add: "Add",
    animation: "Animation",
    audio: "Audio",
    addPerson: "Add a person",
    badge: "Sandbox",
    bot: "bot",
    cancel: "Cancel",
    close: "Close",
    commands: "Commands",
    connecting: "connecting…",
    conversation: "Conversation",
    copied: "Copied",
    copy: "Copy",
    copyText: "Copy text",
    document: "File",
    edited: "edited",
    empty: "No messages yet",
    failed: "Not sent: the sandbox does not respond",
    help: "Write to the assistant, or try one of these:",
    ideas: ["What time is it in Tokyo?", "Remind me in 20 seconds to stretch", "Show me markdown", "What is the quadratic formula?"],
    keyboard: "Keyboard",
    language: "Telegram language",
    less: "Show less",
    locked: "Your access has expired. Open the link that ./manage.py start printed.",
    map: "Map",
    message: "Message",
    more: "Show more",
    name: "Name",
    newest: "Go to the newest message",
    notLoaded: "not loaded here",
    noSuchButton: "The sandbox does not support this; try it in Telegram",
    open: "Open",
    openLink: "Open this link?",
    people: "People",
    photo: "Photo",
    promise: "This is a sandbox on your computer. It replaces Telegram, and nothing leaves your computer.",
    messagesGoTo: (host) => `messages go to ${host}`,
    promiseWithHost: (host) => `This is a sandbox on your computer. It replaces Telegram, but the model is real: your messages go to ${host}.`,
    reply: "Reply",
    send: "Send",
    skip: "Skip to the message field",
    spoiler: "Hidden text, press to show",
    start: "START",
    stop: "Stop",
    stays: "nothing leaves this machine",
    theme: "Light or dark theme",
    thinking: "Thinking…",
    today: "Today",
    typing: "typing…",
    table: "Table",
    upload: "sending a file…",
    video: "Video",
    violations: "Mistakes of the bot that Telegram would silently ignore",
    voice: "Voice message",
    whoAreYou: "Who do you want to be?",
    writeAs: "You write as",
    yesterday: "Yesterday",
    you: "You",
  },
  ru: {
    add: "Добавить",
    animation: "Анимация",
    audio: "Аудио",
    addPerson: "Добавить человека",
    badge: "Песочница",
    bot: "бот",
    cancel: "Отмена",
    close: "Закрыть",
    commands: "Команды",
    connecting: "соединение…",
    conversation: "Переписка",
    copied: "Скопировано",
    copy: "Копировать",
    copyText: "Копировать текст",
    document: "Файл",
    edited: "изменено",
    empty: "Сообщений пока нет",
    failed: "Не отправлено: песочница не отвечает",
    help: "Напишите ассистенту или попробуйте:",
    ideas: ["Который час в Токио?", "Напомни через 20 секунд размяться", "Покажи markdown", "Какая формула у корней квадратного уравнения?"],
    keyboard: "Клавиатура",
    language: "Язык Telegram",
    less: "Свернуть",
    locked: "Доступ истёк. Откройте ссылку, которую вывела команда ./manage.py start.",
    map: "Карта",
    message: "Сообщение",
    more: "Показать полностью",
    name: "Имя",
    newest: "Перейти к последнему сообщению",
    notLoaded: "здесь не загружается",
    noSuchButton: "Песочница этого не поддерживает; попробуйте в Telegram",
    open: "Открыть",
    openLink: "Открыть эту ссылку?",
    people: "Люди",
    photo: "Фото",
    promise: "Это песочница на вашем компьютере. Она заменяет Telegram, и ничего не уходит наружу.",
    messagesGoTo: (host) => `сообщения уходят на ${host}`,
    promiseWithHost: (host) => `Это песочница на вашем компьютере. Она заменяет Telegram, но модель настоящая: ваши сообщения уходят на ${host}.`,
    reply: "Ответить",
    send: "Отправить",
    skip: "Перейти к полю сообщения",
    spoiler: "Скрытый текст, нажмите, чтобы показать",
    start: "СТАРТ",
    stop: "Стоп",
    stays: "всё остаётся на этом компьютере",
    theme: "Светлая или тёмная тема",
    thinking: "Думаю…",
    today: "Сегодня",
    typing: "печатает…",
    table: "Таблица",
    upload: "отправляет файл…",
    video: "Видео",
    violations: "Ошибки бота, которые Telegram молча пропустил бы",
    voice: "Голосовое сообщение",
    whoAreYou: "Кем вы хотите быть?",
    writeAs: "Вы пишете как",
    yesterday: "Вчера",
    you: "Вы",
  },
};

export const language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
const locale = navigator.language.toLowerCase().startsWith(language) ? navigator.language : language;

export const t = (key) => TEXTS[language][key];

export function translate(root = document) {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.tagName === "BUTTON") node.title = t(node.dataset.tLabel);
  }
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });
const longDayOfYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });

const at = (seconds) => new Date(seconds * 1000);
export const formatTime = (seconds) => clock.format(at(seconds));
export const formatDateTime = (seconds) => full.format(at(seconds));
export const dayKey = (seconds) => at(seconds).toDateString();

export function formatDay(seconds) {
  const day = at(seconds);
  const now = new Date();
  if (day.toDateString() === now.toDateString()) return t("today");
  if (day.toDateString() === new Date(now - 864e5).toDateString()) return t("yesterday");
  return (day.getFullYear() === now.getFullYear() ? longDay : longDayOfYear).format(day);
}

export function formatShortDate(seconds) {
  return dayKey(seconds) === new Date().toDateString() ? formatTime(seconds) : shortDay.format(at(seconds));
}
