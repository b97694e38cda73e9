// Writes a runbook: beside the text its mistakes, and the card exactly as people would get it. Nothing is kept on the server.

import { get, path, post } from "./api.js";
import { block, button, h, replace } from "./dom.js";
import { page } from "./page.js";
import { step } from "./steps.js";
import { counted } from "./words.js";

const PAUSE = 350;
const BLANK = `---
id: new-runbook
title: What it does
when: When to use it, in one sentence.
owner: who is asked about it
risk: medium
params:
  service: { type: service, about: the service that is in trouble }
---
# What it does

## Do it

\`\`\`step
action: manual
args:
  instruction: "Look at {{service}}, then say what you saw."
\`\`\`
`;

// `from` is the id of a runbook, of an incident, or nothing.
export const editorView = (main, { id = null, incident = null }) => page(main, "Write a runbook", async () => {
  const key = `runbook/${incident ?? ""}/${id ?? ""}`;
  const given = await start(id, incident);
  const kept = sessionStorage.getItem(key);
  const text = h("textarea", { id: "runbook-text", spellcheck: "false", rows: 30, "aria-label": "The runbook", "aria-describedby": "runbook-mistakes" });
  text.value = kept ?? given.text;
  const mistakes = h("div", { id: "runbook-mistakes", class: "mistakes", "aria-live": "polite" });
  const params = h("div", { class: "params" });
  const card = h("div", { class: "card" });
  const values = {};
  let asked = 0;
  let timer = null;

  const look = async () => {
    const mine = (asked += 1);
    try {
      const found = await post("/api/runbooks/preview", { text: text.value, params: values });
      if (mine !== asked) return;
      replace(mistakes, said(found.mistakes, text));
      form(params, found.params, values, later);
      replace(card, drawn(found));
    } catch (failure) {
      if (mine === asked) replace(mistakes, h("p", { class: "problem", role: "alert" }, [failure.message, failure.next].filter(Boolean).join(" ")));
    }
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  };
  text.addEventListener("input", () => {
    sessionStorage.setItem(key, text.value);
    later();
  });
  const again = () => {
    sessionStorage.removeItem(key);
    text.value = given.text;
    look();
  };

  await look();
  return [
    h("p", { class: "dim" }, given.about, " Nothing is kept on the server: download the file, and put it into a folder of ", h("code", {}, "paths"), " in ", h("code", {}, "[runbooks]"), "."),
    given.unknown.length > 0 && h("div", { class: "notice" }, h("p", {}, "The record does not say, and a person has to:"), h("ul", {}, given.unknown.map((line) => h("li", {}, line)))),
    h("div", { class: "editor" },
      h("div", {}, text, h("div", { class: "buttons" }, button("Download", () => download(text.value), { class: "go", "data-act": "download" }),
        button("Start over", again, { class: "quiet" })), mistakes),
      h("section", { class: "preview", "aria-label": "Preview" }, h("p", { class: "ribbon" }, "Preview · nothing here can be approved or run"), params, card)),
  ];
});

async function start(id, incident) {
  if (incident) {
    const draft = await get(path("incidents", incident, "runbook"));
    return { text: draft.markdown, about: `A draft from what was done in ${incident}.`, unknown: draft.unknown };
  }
  if (id) {
    const { runbooks } = await get("/api/runbooks");
    const found = runbooks.find((runbook) => runbook.id === id);
    if (found) return { text: found.markdown, about: `A copy of ${id}.`, unknown: [] };
  }
  return { text: BLANK, about: "Write it here, or paste one.", unknown: [] };
}

// Each mistake with its line and a caret; a press leads to the place.
function said(found, text) {
  if (found.length === 0) return h("p", { class: "state ok" }, "✓ No mistakes");
  const lines = text.value.split("\n");
  return [h("p", { class: "state bad" }, `✗ ${counted(found.length, "mistake")}`), h("ol", {}, found.map((one) => {
    const line = lines[one.line - 1] ?? "";
    const before = Array.from(line).slice(0, one.column - 1).map((c) => (c === "\t" ? "    " : " ")).join("");
    const go = () => {
      const at = lines.slice(0, one.line - 1).reduce((sum, other) => sum + other.length + 1, 0) + Array.from(line).slice(0, one.column - 1).join("").length;
      text.focus();
      text.setSelectionRange(at, at + 1);
      // A text area does not follow its selection.
      text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, one.line - 6);
    };
    return h("li", {}, button(`line ${one.line}, column ${one.column}`, go, { class: "quiet" }), " ", one.message,
      line.trim() && block(`${line.slice(0, 160)}\n${before.length < 160 ? `${before}^` : ""}`, { class: "place" }));
  }))];
}

// Fields are made anew only when there are others: nobody's value is taken from under their hands.
function form(root, params, values, changed) {
  const names = params.map((param) => param.name).join(" ");
  if (root.dataset.names !== names) {
    root.dataset.names = names;
    replace(root, params.map((param) => {
      const field = `param-${param.name}`;
      const input = h("input", { id: field, list: `${field}-known`, autocomplete: "off", spellcheck: "false" });
      input.addEventListener("input", () => {
        values[param.name] = input.value;
        changed();
      });
      return h("div", {}, h("label", { for: field, title: param.about }, param.name, h("span", { class: "faint" }, ` ${param.type}`)), input, h("datalist", { id: `${field}-known` }));
    }));
  }
  for (const param of params) {
    const input = root.querySelector(`#${CSS.escape(`param-${param.name}`)}`);
    if (param.is_sample && document.activeElement !== input) input.value = param.value;
    replace(input.nextSibling, param.known.map((value) => h("option", { value })));
  }
}

function drawn(found) {
  if (!found.proposal) {
    return h("div", { class: "notice" }, h("p", {}, found.problems.length > 0 ? "With these values there is no card:" : "There is no card until the text can be read."),
      h("ul", {}, found.problems.map((problem) => h("li", {}, problem))));
  }
  const { title, steps } = found.proposal;
  const card = (view, more) => step(view, { ...more, isPreview: true });
  if (steps.length === 1) return card(steps[0], { title });
  return h("section", { class: "proposal", "aria-label": title }, h("h3", {}, title), steps.map((view, n) =>
    card(view, { number: n + 1, joins: steps.slice(0, n).some((earlier) => view.together_with.some((id) => earlier.id.endsWith(`.${id}`) || earlier.id === id)) })));
}

function download(text) {
  const name = text.match(/^id:\s*["']?([a-z0-9-]+)/m)?.[1] ?? "runbook";
  const address = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  h("a", { href: address, download: `${name}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
