// How an incident stands, in one glance: what was done, by whom, when, what is left, and closing it.

import { get, listen, path, post, tell } from "./api.js";
import { announce, button, h, replace } from "./dom.js";
import { full, second } from "./words.js";

// A word for a list, and its colour.
export const STANDS = { open: ["open", "bad"], waiting: ["waits", "wait"], running: ["running", "info"], unknown: ["unknown", "wait"],
  watching: ["watching", "info"], not_over: ["not over", "bad"], over: ["verified", "ok"], resolved: ["resolved", ""] };
const SIGNS = { over: "✓ ", resolved: "✓ ", not_over: "✗ ", unknown: "? " };

export const pill = (incident) => {
  const [word, tone] = STANDS[incident.standing?.state] ?? [incident.state, ""];
  return h("span", { class: `pill ${tone}` }, word);
};

// Follows the incident; `quiet` says nothing while all there is to say stands on the card of the step below.
export function stand(id, { incident = null, quiet = false, react } = {}) {
  const root = h("section", { class: "stand", "aria-label": "How it stands", hidden: true });
  let known = incident;
  let isClosing = false;
  let isBusy = false;
  let problem = null;

  const draw = () => {
    const standing = known?.standing;
    root.hidden = !standing || (quiet && ["open", "waiting"].includes(standing.state));
    if (!standing) return;
    root.className = `stand ${standing.state}`;
    root.dataset.stand = standing.state;
    const isOpen = known.state === "open";
    replace(root,
      h("h2", {}, SIGNS[standing.state], standing.text, " ", h("time", { datetime: standing.at, title: full(standing.at) }, second(standing.at))),
      standing.done.length > 0 && h("ol", { class: "did" }, standing.done.map((deed) =>
        h("li", {}, h("time", { datetime: deed.at, title: full(deed.at) }, second(deed.at)), deed.text))),
      h("p", { class: "left" }, standing.left.length > 0 ? [h("b", {}, "Left to do: "), standing.left.join(" ")]
        : isOpen ? h("span", { class: "dim" }, "Nothing to do right now.") : "Nothing is left to do."),
      isOpen && (isClosing ? closing(standing) : h("div", { class: "buttons" }, button("Resolve incident…", () => close(true), { "data-act": "resolve" }))),
      problem && h("p", { class: "problem", role: "alert" }, problem));
  };

  const closing = (standing) => {
    const field = `note-${id}`;
    const input = h("textarea", { id: field, rows: 2, maxlength: 2000 });
    return h("div", { class: "confirm", role: "group", "aria-label": "Resolve the incident" },
      standing.state !== "over" && h("p", { class: "warn" }, "Nothing has verified that it is over."),
      h("label", { for: field }, "What made it good again? One sentence helps whoever reads this later; it may be empty."), input,
      h("p", { class: "dim" }, "Your name goes into the record."),
      h("div", { class: "buttons" }, button("Yes, it is resolved", () => send(input.value.trim()), { class: "go", "data-act": "confirm-resolve", disabled: isBusy }),
        button("Back", () => close(false), { disabled: isBusy })));
  };

  const close = (is) => {
    isClosing = is;
    problem = null;
    draw();
    root.querySelector(is ? "textarea" : "[data-act=resolve]")?.focus();
  };

  const send = async (note) => {
    if (isBusy) return;
    isBusy = true;
    try {
      learn(await post(path("incidents", id, "resolve"), { note }));
      isClosing = false;
      problem = null;
      tell("incident", { id });
    } catch (failure) {
      problem = [failure.message, failure.next].filter(Boolean).join(" ");
    }
    isBusy = false;
    draw();
  };

  const learn = (now) => {
    if (known?.standing && now.standing && known.standing.text !== now.standing.text) announce(now.standing.text);
    known = now;
    react?.(now);
  };

  const load = async () => {
    try {
      learn(await get(path("incidents", id)));
    } catch {
      return; // What is shown stays; the line above says when the server is gone.
    }
    // Nobody's note is taken from under their hands.
    if (!isClosing || known.state !== "open") {
      isClosing = false;
      draw();
    }
  };

  draw();
  if (!incident) load();
  listen(root, "incident", (now) => (now.reload || now.id === id) && load());
  listen(root, "step", (now) => (!now.incident || now.incident === id) && load());
  return root;
}
