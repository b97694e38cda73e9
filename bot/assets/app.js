// Starts the console: who is here, the line to the server, the header, and which view the address names.

import { changes, connect, get, listen, post, session, tell } from "./api.js";
import { askView, CARRIED } from "./ask.js";
import { button, h, replace, s } from "./dom.js";
import { editorView } from "./editor.js";
import { incidentsView, incidentView } from "./incidents.js";
import { listenToKeys } from "./keys.js";
import { runbooksView } from "./runbooks.js";
import { follow } from "./steps.js";
import { approvalsView, auditView, searchView } from "./views.js";
import { counted, number, useZone } from "./words.js";

const state = { overview: null, session: null, up: true, signedOut: false };
const main = document.getElementById("main");
const VIEWS = [["Ask", "#/"], ["Incidents", "#/incidents"], ["Approvals", "#/approvals"], ["Runbooks", "#/runbooks"], ["Search", "#/search"], ["Audit", "#/audit"]];

function header() {
  const top = document.getElementById("top");
  const here = place().name;
  const { overview } = state;
  const badges = { Incidents: overview?.open_incidents, Approvals: overview?.waiting_approvals };
  const focused = top.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const nav = top.querySelector("nav");
  const scrolled = nav?.querySelector("[aria-current]")?.textContent.startsWith(here) ? nav.scrollLeft : null;
  replace(top,
    h("a", { class: "brand", href: "#/" }, logo(), h("b", {}, "Firstline")),
    h("p", { class: "live", "data-up": String(state.up) }, liveState()),
    h("nav", { "aria-label": "Views" }, VIEWS.map(([name, address]) =>
      h("a", { href: address, "aria-current": here === name ? "page" : null }, name,
        badges[name] > 0 && h("span", { class: name === "Approvals" ? "badge wait" : "badge", "aria-label": `, ${badges[name]}` }, badges[name])))),
    state.session?.demo && h("span", { class: "pill demo", title: "A simulated shop; nothing here is real" }, "demo"),
    state.session && h("button", { class: "person", title: "You. Press twice to sign out", onclick: leave }, state.leaving ? "Sign out?" : state.session.person));
  if (focused) top.querySelector(`a[href="${focused}"]`)?.focus();
  showCurrent(top.querySelector("nav"), scrolled);
}

// Asks once, so that a press beside another button signs nobody out.
async function leave() {
  if (state.leaving) {
    await post("/api/sign-out", { everywhere: false });
    location.reload();
    return;
  }
  state.leaving = true;
  header();
  setTimeout(() => {
    state.leaving = false;
    header();
  }, 4000);
}

// On a phone the views scroll sideways: where they stood, or to the one that was opened.
function showCurrent(nav, scrolled) {
  const current = nav.querySelector("[aria-current]");
  nav.scrollLeft = scrolled ?? Math.max(0, current.offsetLeft + current.offsetWidth - nav.offsetLeft - nav.clientWidth + 40);
}

function logo() {
  return s("svg", { viewBox: "0 0 22 16", width: 22, height: 16, "aria-hidden": "true" },
    [[0, 11, "bar"], [6, 10, "bar"], [12, 3, "bar fault"], [18, 0, "bar fault"]].map(([x, y, kind]) =>
      s("rect", { x, y, width: 4, height: 16 - y, rx: 1, class: kind })));
}

function liveState() {
  if (!state.up) return [h("i", { class: "lamp off" }), state.signedOut ? "signed out" : "not connected"];
  if (!state.overview) return [h("i", { class: "lamp off" }), "connecting…"];
  const { services, records_per_second, errors_per_minute, records } = state.overview;
  if (records === 0) return [h("i", { class: "lamp off" }), "no logs yet"];
  const speed = records_per_second < 10 ? records_per_second.toFixed(1) : number(records_per_second);
  return [h("i", { class: "lamp" }), h("span", {}, "live"), h("span", { class: "fact" }, counted(services.length, "service")),
    h("span", { class: "fact rate" }, `${speed} records/s`),
    h("span", { class: errors_per_minute >= 1 ? "fact errors" : "fact" }, `${number(errors_per_minute)} errors/min`)];
}

// Reads the address: `#/search?q=…`, `#/answer/ID`, `#/c/ID`, `#/incidents/ID`.
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/").map((part) => decodeURIComponent(part));
  const names = { incidents: "Incidents", approvals: "Approvals", runbooks: "Runbooks", editor: "Runbooks", search: "Search", audit: "Audit" };
  return { name: names[view] ?? "Ask", view, id: rest[0], query: new URLSearchParams(query) };
}

function show() {
  const { view, id, query, name } = place();
  header();
  document.title = name === "Ask" ? "Firstline" : `${name} · Firstline`;
  document.body.dataset.view = name.toLowerCase();
  main.scrollTo(0, 0);
  replace(document.getElementById("foot"));
  const ask = (question) => {
    sessionStorage.setItem(CARRIED, question);
    location.hash = "#/";
  };
  switch (view) {
    case "incidents": return id ? incidentView(main, id, ask) : incidentsView(main);
    case "approvals": return approvalsView(main);
    case "runbooks": return runbooksView(main, id);
    case "editor": return editorView(main, { id, incident: query.get("incident") });
    case "audit": return auditView(main);
    case "search": return searchView(main, query.get("q"));
    case "answer": return askView(main, state, { only: id });
    case "new": return askView(main, state, { fresh: true });
    case "c": return askView(main, state, { conversation: id });
    default: return askView(main, state);
  }
}

// What is shown may be old: said above it, not only in the corner.
function notice() {
  const text = state.signedOut
    ? [h("b", {}, "You are signed out."), h("span", {}, "The session ended. Reload the page to sign in again, or open the link that Firstline printed when it started.")]
    : [h("b", {}, "Firstline does not answer."), h("span", {}, "What you see may be old. This page connects again by itself; is `firstline serve` still running?")];
  replace(document.getElementById("notice"), !state.up && text);
}

async function refresh() {
  try {
    tell("overview", await get("/api/overview"));
  } catch {
    // The header says that the line is down; the stream brings the next overview.
  }
}

async function start() {
  try {
    state.session = await session();
  } catch (failure) {
    replace(main, h("section", { class: "page" }, h("div", { class: "notice", role: "alert" }, h("p", {}, failure.message),
      failure.signIn && h("p", {}, h("a", { class: "button", href: failure.signIn }, "Sign in")),
      failure.next && !failure.signIn && h("p", { class: "dim" }, failure.next), button("Try again", () => location.reload()))));
    return;
  }
  useZone(state.session.zone);
  follow(changes);
  changes.addEventListener("overview", ({ detail }) => {
    state.overview = detail;
    header();
  });
  listen(document.body, "line", ({ up, isAgain = false, signedOut = false }) => {
    const isBack = up && (isAgain || !state.up);
    if (up !== state.up || signedOut !== state.signedOut) {
      Object.assign(state, { up, signedOut });
      header();
      notice();
    }
    // What happened meanwhile was not heard: whatever is shown asks again.
    if (isBack) {
      refresh();
      tell("incident", { reload: true });
    }
  });
  listenToKeys();
  addEventListener("hashchange", () => {
    // What was asked for is read next, by eyes, ears and the keys that scroll.
    main.focus({ preventScroll: true });
    show();
  });
  header();
  show();
  connect();
  await refresh();
}

start();
