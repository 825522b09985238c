// Live updates. Every connection starts with `hello`, which makes the page reload all its data.

const KINDS = ["hello", "message", "edit", "delete", "typing", "draft", "answer", "bot", "clock", "violations"];
const MAX_RECONNECT_DELAY_MS = 8000;

export function listenToEvents(onEvent, onConnectionChange) {
  let delay = 500;

  function connect() {
    const source = new EventSource("/chat/events");
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        delay = 500;
        if (kind === "hello") onConnectionChange(true);
        onEvent(kind, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      onConnectionChange(false);
      source.close();
      setTimeout(connect, delay);
      delay = Math.min(delay * 2, MAX_RECONNECT_DELAY_MS);
    });
  }

  connect();
}
