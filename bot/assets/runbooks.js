// Runbooks: the list, and one of them with how its versions have done.

import { get } from "./api.js";
import { h, s } from "./dom.js";
import { markdown } from "./markdown.js";
import { empty, page } from "./page.js";
import { counted, full, person, second } from "./words.js";

export const editorOf = (id) => `#/editor/${encodeURIComponent(id)}`;

export const runbooksView = (main, open) => page(main, "Runbooks", async () => {
  const { runbooks } = await get("/api/runbooks");
  const found = runbooks.find((runbook) => runbook.id === open);
  if (found) return runbook(found);
  return [h("p", { class: "tools" }, h("a", { href: "#/editor" }, "Write a runbook, and see its card as you type")),
    runbooks.length === 0 ? empty("No runbooks.", "Add Markdown files to the folder named by `runbooks` in the settings.")
      : h("ul", { class: "list" }, runbooks.map((one) => h("li", {}, h("a", { href: `#/runbooks/${encodeURIComponent(one.id)}` },
        h("span", { class: `pill risk ${one.risk}` }, `${one.risk} risk`), h("b", {}, one.title),
        h("span", { class: "meta" }, one.when, outcomes(one.history[0])), h("span", { class: "end" }, one.owner)))))];
});

function runbook(one) {
  return h("article", { class: "runbook" }, h("p", {}, h("a", { href: "#/runbooks" }, "← all runbooks")),
    h("p", { class: "facts" }, h("span", { class: `pill risk ${one.risk}` }, `${one.risk} risk`), h("span", {}, one.owner && `owner ${one.owner} · `, h("code", {}, one.id))),
    one.when && h("p", { class: "dim" }, "Use it when: ", [one.when].flat().join("; ")),
    h("section", { class: "record", "aria-label": "History" }, one.history.map(version)),
    h("p", { class: "tools" }, h("a", { href: editorOf(one.id) }, "Edit a copy, and see its card as you type")),
    markdown(one.markdown ?? ""));
}

const TONES = { helped: "ok", done: "fine", "did not help": "warn", failed: "bad", unknown: "odd", rejected: "no", "not needed": "old", expired: "old", open: "going" };

// A bar whose parts are as long as there were such ends, and the same in words.
function outcomes(record) {
  if (!record?.proposed) return null;
  const width = 240;
  let at = 0;
  const parts = record.ended.map(({ how, count }) => {
    const part = s("rect", { x: at, y: 0, width: Math.max(1, (count / record.proposed) * width - 1), height: 8, rx: 1.5, class: TONES[how] ?? "going" });
    at += (count / record.proposed) * width;
    return part;
  });
  const words = record.ended.map(({ how, count }) => `${count} ${how}`).join(" · ");
  return h("span", { class: "outcomes" },
    s("svg", { viewBox: `0 0 ${width} 8`, preserveAspectRatio: "none", role: "img", "aria-label": `proposed ${record.proposed} times: ${words}` }, parts),
    h("span", {}, words));
}

function version(record) {
  const which = record.current ? "This version" : "An earlier version";
  const title = h("h3", {}, which, " ", h("code", { class: "hash", title: record.digest }, record.digest.slice(0, 12)));
  if (record.proposed === 0) return h("div", { class: "edition" }, title, h("p", { class: "dim" }, "Not proposed yet."));
  const median = record.median_seconds_to_verified;
  const facts = [`proposed ${counted(record.proposed, "time")}`, `approved ${record.approved}`, `rejected ${record.rejected}`, `ran ${record.ran}`,
    `succeeded ${record.succeeded}`, `failed ${record.failed}`, `helped ${record.helped}`, record.undone > 0 && `undone ${record.undone}`, median !== null && `verified after ${span(median)} (median)`];
  return h("div", { class: "edition" }, title, outcomes(record), h("p", { class: "facts" }, facts.filter(Boolean).join(" · "),
    record.last && [" · last ", h("time", { title: full(record.last) }, second(record.last))]),
    record.reasons.length > 0 && h("details", {}, h("summary", {}, "Why people did not want it"),
      h("ul", {}, record.reasons.map((reason) => h("li", {}, h("time", { class: "faint" }, second(reason.at)), ` ${person(reason.by)}: “${reason.text}”`)))));
}

const span = (seconds) => (seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);
