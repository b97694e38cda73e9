// Speaks to the server: plain JSON, one token on writes, and one stream of events for whoever listens.

let csrf = "";

export class Failure extends Error {
  constructor(message, next, status, signIn) {
    super(message);
    this.next = next;
    this.signIn = signIn;
    this.isMistake = status >= 400 && status < 500;
    this.isSignedOut = status === 401;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Failure("Firstline does not answer.", "Is `firstline serve` still running? This page tries again by itself.");
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    body = null;
  }
  if (!response.ok) {
    throw new Failure(
      body?.error ?? `The server answered ${response.status}.`,
      body?.next ?? (response.status === 401 ? "Open the link that `firstline serve` printed when it started." : null),
      response.status,
      body?.sign_in ?? null,
    );
  }
  return body;
}

export const get = (path) => call(path, { method: "GET" });

export const post = (path, body) =>
  call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body ?? {}),
  });

export async function session() {
  const session = await get("/api/session");
  csrf = session.csrf;
  return session;
}

export const path = (...parts) => `/api/${parts.map(encodeURIComponent).join("/")}`;

// Everything that changes passes here: what the stream brings and what a press of a button returns.
export const changes = new EventTarget();

export function tell(kind, detail) {
  changes.dispatchEvent(new CustomEvent(kind, { detail }));
}

// Calls `react` for as long as `element` is part of the page.
export function listen(element, kind, react) {
  let wasShown = false;
  const handler = ({ detail }) => {
    if (element.isConnected) {
      wasShown = true;
      react(detail);
    } else if (wasShown) {
      changes.removeEventListener(kind, handler);
    }
  };
  changes.addEventListener(kind, handler);
  queueMicrotask(() => (wasShown = element.isConnected));
}

let source = null;
let wasOpen = false;

// One line to the server for as long as the page is looked at. A browser has six for all its pages: one that nobody sees keeps none.
export function connect() {
  open();
  document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : open()));
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
}

function open() {
  source?.close();
  const mine = (source = new EventSource("/api/events"));
  for (const kind of ["overview", "answer", "step", "output", "verifying", "incident"]) {
    mine.addEventListener(kind, (event) => {
      try {
        tell(kind, JSON.parse(event.data));
      } catch {
        // A broken event is skipped; the next one brings the whole state again.
      }
    });
  }
  mine.addEventListener("open", () => {
    tell("line", { up: true, isAgain: wasOpen });
    wasOpen = true;
  });
  mine.addEventListener("error", async () => {
    if (mine.readyState !== EventSource.CLOSED) return tell("line", { up: false });
    // It was refused, and the browser gives up; the session tells whether there is still somebody to speak to.
    let signedOut = false;
    try {
      await session();
    } catch (failure) {
      signedOut = failure.isSignedOut === true;
    }
    if (mine !== source) return;
    tell("line", { up: false, signedOut });
    setTimeout(() => mine === source && !document.hidden && open(), 3000);
  });
}
