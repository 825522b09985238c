// Live updates. After each (re)connection `hello` comes first: then everything is asked for anew.

const KINDS = ["hello", "message", "edit", "delete", "typing", "draft", "answer", "bot", "violations"];
const LONGEST_PAUSE = 8000;

export function listen(handle, setConnected) {
  let pause = 500;

  function connect() {
    const source = new EventSource("/chat/events");
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        pause = 500;
        if (kind === "hello") setConnected(true);
        handle(kind, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      setConnected(false);
      source.close();
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    });
  }

  connect();
}
