// The conversation: what was asked, what was answered, and the line to ask the next question in.

import { answerCard, quoted } from "./answer.js";
import { get, listen, path, post } from "./api.js";
import { announce, button, h, replace } from "./dom.js";
import { stand } from "./stand.js";
import { services, timelineOf } from "./timeline.js";
import { number, zoneName } from "./words.js";

const KEY = "firstline-conversation";
export const CARRIED = "firstline-question";

// The server names a conversation when its first question is answered; until then it is new.
export async function askView(main, state, { conversation, only, fresh } = {}) {
  let id = only || fresh ? null : conversation ?? localStorage.getItem(KEY);
  if (fresh) localStorage.removeItem(KEY);
  const turns = h("div", { class: "turns" });
  const aside = h("aside", {});
  const answers = [];
  let pending = null;
  let standing = null;

  const draw = () => {
    replace(turns,
      answers.map((answer, n) => answerCard(answer, ask, { isLast: n === answers.length - 1 && !pending })),
      pending);
    if (answers.length === 0 && !pending) turns.append(welcome(state, ask));
    placeStand();
    replace(aside, answers.length > 0 && timelineOf(answers.findLast((answer) => answer.incident) ?? answers.at(-1)), services(state.overview));
  };

  // How the incident stands is read with the newest answer about it, before that answer.
  const placeStand = () => {
    const about = answers.findLast((answer) => answer.incident);
    if (!about) return;
    if (standing?.dataset.of !== about.incident) {
      standing = stand(about.incident, { quiet: true });
      standing.dataset.of = about.incident;
    }
    document.getElementById(`answer-${about.id}`)?.querySelector(".question").after(standing);
  };

  const ask = async (question) => {
    const asked = question.trim();
    if (!asked || pending?.dataset.waiting) return;
    if (only) return goOn(asked);
    pending = waiting(asked);
    bar.busy(true);
    draw();
    turns.lastElementChild.scrollIntoView({ block: "start", behavior: motion() });
    try {
      const answer = await post("/api/ask", { question: asked, conversation: id ?? undefined, zone: zoneName() });
      remember(answer);
      pending = null;
      answers.push(answer);
      bar.clear();
      announce(`${answer.headline}`);
    } catch (failure) {
      pending = failed(asked, failure, () => { pending = null; ask(asked); });
      announce(failure.message);
    }
    bar.busy(false);
    draw();
    document.querySelector(".turn:last-of-type")?.scrollIntoView({ block: "start", behavior: motion() });
  };

  const remember = (answer) => {
    if (id || !answer.conversation) return;
    id = answer.conversation;
    localStorage.setItem(KEY, id);
    if (turns.isConnected) history.replaceState(null, "", `#/c/${encodeURIComponent(id)}`);
  };

  // A question under a single answer goes on with that answer's conversation.
  const goOn = (question) => {
    sessionStorage.setItem(CARRIED, question);
    const known = answers[0]?.conversation;
    location.hash = known ? `#/c/${encodeURIComponent(known)}` : "#/new";
  };

  const bar = composer(ask, () => { location.hash = "#/new"; }, !only);
  replace(main, h("div", { class: "ask" }, h("section", { class: "talk", "aria-label": "Conversation" }, turns), aside));
  replace(document.getElementById("foot"), bar.root);
  replace(turns, h("p", { class: "loading" }, "Loading…"));

  try {
    if (only) answers.push(await get(path("answers", only)));
    else if (id) answers.push(...(await get(path("conversations", id))).answers);
    if (id) localStorage.setItem(KEY, id);
  } catch (failure) {
    if (failure.isMistake) id = null;
    if (only) return replace(turns, h("div", { class: "notice" }, h("p", {}, failure.message), h("p", { class: "dim" }, failure.next ?? "The list of incidents has what was kept: "), h("a", { href: "#/incidents" }, "Incidents")));
  }
  draw();
  if (answers.length > 1) document.querySelector(".turn:last-of-type")?.scrollIntoView({ block: "start" });
  listen(turns, "answer", (answer) => {
    const n = answers.findIndex((one) => one.id === answer.id);
    if (n < 0) return;
    answers[n] = answer;
    const old = document.getElementById(`answer-${answer.id}`);
    old?.replaceWith(answerCard(answer, ask, { isLast: n === answers.length - 1 && !pending }));
    placeStand();
  });
  const carried = sessionStorage.getItem(CARRIED);
  if (carried && !only) {
    sessionStorage.removeItem(CARRIED);
    ask(carried);
  }
  return null;
}

function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

function composer(ask, fresh, hasFresh) {
  const input = h("input", { id: "question", autocomplete: "off", enterkeyhint: "send", placeholder: "Ask about your services…", "aria-label": "Ask a question", maxlength: 10000 });
  const go = h("button", { type: "submit", class: "go" }, "Ask");
  const root = h("form", { class: "composer" }, h("div", {},
    hasFresh && button("+", fresh, { class: "fresh", title: "A new conversation", "aria-label": "A new conversation" }),
    h("span", { class: "field" }, input, h("kbd", { "aria-hidden": "true" }, "/")), go));
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!go.disabled) ask(input.value);
  });
  return { root, busy: (is) => (go.disabled = is), clear: () => (input.value = "") };
}

function waiting(question) {
  return h("article", { class: "turn", "data-waiting": "true" }, h("p", { class: "question" }, h("b", {}, question)),
    h("div", { class: "answer" }, h("p", { class: "loading" }, h("span", { class: "spin", "aria-hidden": "true" }), " Reading the logs…"),
      h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"))));
}

function failed(question, failure, again) {
  return h("article", { class: "turn" }, h("p", { class: "question" }, h("b", {}, question)),
    h("div", { class: "answer failed", role: "alert" }, h("h2", { class: "headline" }, quoted(failure.message)),
      failure.next && h("p", { class: "dim" }, failure.next), !failure.isMistake && h("div", { class: "buttons" }, button("Ask again", again))));
}

function listed(names) {
  if (names.length > 3) return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

// What a person sees who has not asked anything yet.
function welcome(state, ask) {
  const root = h("div", { class: "welcome" });
  const draw = (overview) => {
    if (!overview) return replace(root, h("p", { class: "loading" }, "Loading…"));
    if (overview.records === 0) {
      return replace(root, h("h1", {}, "No logs yet"),
        h("p", { class: "dim" }, "Give Firstline some, then ask. In a terminal:"),
        h("pre", { class: "runs" }, "firstline index /var/log/myapp\nfirstline ask \"what is wrong?\""));
    }
    const failing = overview.services.filter((service) => service.errors_per_minute >= 1);
    replace(root, h("h1", {}, "What do you want to know?"),
      h("p", { class: "dim" }, `${number(overview.records)} records of ${overview.services.length} services are indexed. `,
        failing.length ? `${listed(failing.map((service) => service.name))} ${failing.length === 1 ? "logs" : "log"} errors right now.` : "No service logs errors right now."),
      h("div", { class: "chips" }, (overview.suggestions ?? []).map((question) => button(question, () => ask(question), { class: "chip" }))));
  };
  draw(state.overview);
  listen(root, "overview", draw);
  return root;
}
