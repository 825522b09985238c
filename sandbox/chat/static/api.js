// The sandbox's JSON API.

export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new ApiError(response.status, problem.detail ?? response.statusText);
  }
  return response.json();
}

export const getPeople = async () => (await call("GET", "/chat/people")).items;
export const addPerson = (first_name, language_code) => call("POST", "/chat/people", { first_name, language_code });
export const getBot = () => call("GET", "/chat/bot");
export const getCommands = async (person) => (await call("GET", `/chat/${person}/commands`)).items;
export const getMessages = (person) => call("GET", `/chat/${person}/messages`);
export const sendMessage = (person, text, reply_to) => call("POST", `/chat/${person}/messages`, reply_to ? { text, reply_to } : { text });
export const getPlaces = async (language) => (await call("GET", `/chat/places?${new URLSearchParams({ language })}`)).items;
export const sendLocation = (person, { latitude, longitude }) => call("POST", `/chat/${person}/location`, { latitude, longitude });
export const getClock = (person) => call("GET", `/chat/${person}/clock`);
export const moveClock = (body) => call("POST", "/chat/clock", body);
export const stopDraft = (person, draft_id) => call("POST", `/chat/${person}/stop`, { draft_id });
export const getFormula = async (source, display) => (await call("GET", `/chat/formula?${new URLSearchParams({ source, display })}`)).tree;
export const getViolations = () => call("GET", "/chat/api/violations");
export const pressButton = (person, message_id, data) => call("POST", `/chat/${person}/buttons`, { message_id, data });
