// Evidence as rows that open to their lines, in the context they stood in.

import { get, path } from "./api.js";
import { spark } from "./chart.js";
import { append, button, h, replace } from "./dom.js";
import { clock, comparison, full, KINDS, number, second } from "./words.js";

const opened = new Set();

export function evidenceList(answer) {
  if (answer.evidence.length === 0) return null;
  const onset = faultBucket(answer);
  return h("ol", { class: "evidence", "aria-label": "Evidence" },
    answer.evidence.map((evidence) => row(answer, evidence, onset)));
}

function faultBucket(answer) {
  const series = answer.evidence.find((evidence) => evidence.series.length > 1)?.series;
  if (!answer.window.onset || !series) return null;
  const from = Date.parse(answer.window.from);
  const length = Date.parse(answer.window.to) - from;
  return Math.floor(((Date.parse(answer.window.onset) - from) / length) * series.length);
}

function row(answer, evidence, onset) {
  const [kind, meaning] = KINDS[evidence.kind] ?? [evidence.kind, ""];
  const [amount, compared] = comparison(evidence, answer);
  const key = `${answer.id}/${evidence.id}`;
  const level = evidence.level ?? "";
  const detail = h("div", { class: "detail", id: `d-${answer.id}-${evidence.id}`, hidden: true });
  const head = h("button", {
    type: "button", class: "row", "aria-expanded": "false", "aria-controls": detail.id, "data-row": true,
    id: `${answer.id}-${evidence.id}`,
  },
    h("span", { class: "id" }, evidence.id),
    h("span", { class: `kind ${evidence.kind}`, title: meaning }, kind),
    h("span", { class: "who" }, h("b", {}, evidence.service), level && h("i", { class: `level ${level}` }, level)),
    h("span", { class: "tpl" }, template(evidence.template),
      evidence.after && [h("em", {}, " after "), template(evidence.after.template)]),
    spark(evidence.series, evidence.kind === "silence" ? null : onset) ?? h("span", { class: "spark" }),
    h("span", { class: "num" }, h("b", {}, amount), h("small", {}, compared)));
  let isFilled = false;
  const show = (open) => {
    head.setAttribute("aria-expanded", String(open));
    detail.hidden = !open;
    if (open) opened.add(key);
    else opened.delete(key);
    if (open && !isFilled) {
      isFilled = true;
      fill(detail, evidence);
    }
  };
  head.addEventListener("click", () => show(detail.hidden));
  if (opened.has(key)) show(true);
  return h("li", {}, head, detail);
}

// Parameters fade, so that the words of a template stand out; those of a line's head (time, process, thread) are one.
export function template(text) {
  const short = String(text).replace(/^(?:[\s[(\]):|,-]*<\*>){2,}[\])]?/, "<*>");
  return short.split("<*>").flatMap((part, n) => (n === 0 ? [part] : [h("i", { class: "slot", title: "varies" }, "‹…›"), part]));
}

function fill(detail, evidence) {
  const facts = [];
  if (evidence.first) facts.push(["First", second(evidence.first)]);
  if (evidence.last) facts.push(["Last", second(evidence.last)]);
  if (evidence.hosts?.length) facts.push(["Hosts", shares(evidence.hosts, "host")]);
  if (evidence.versions?.length) facts.push(["Versions", shares(evidence.versions, "version")]);
  const all = evidence.template_id && h("a", { href: `#/search?q=${encodeURIComponent(searchFor(evidence))}` },
    `search all ${number(evidence.count)}`);
  const lines = h("div", { class: "lines" });
  replace(detail, h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    all && h("div", {}, h("dt", {}, "Lines"), h("dd", {}, all))), lines);
  if (evidence.samples.length === 0) {
    const nothing = evidence.kind === "missing_followup" || evidence.kind === "silence"
      ? "There are no lines to show: that is the finding."
      : "No sample of these lines was kept.";
    lines.append(h("p", { class: "hint" }, nothing));
    return;
  }
  if (evidence.samples.length > 1) append(lines, [tabs(evidence, lines)]);
  context(lines, evidence.samples[0], 4);
}

function searchFor(evidence) {
  return `template:${evidence.template_id} service:${evidence.service}`;
}

function shares(items, name) {
  const shown = items.slice(0, 6).map((item) => `${item[name]} ${number(item.count)}`).join(", ");
  return items.length > 6 ? `${shown} and ${items.length - 6} more` : shown;
}

function tabs(evidence, lines) {
  const buttons = evidence.samples.slice(0, 6).map((sample, n) =>
    button(clock(sample.time), () => {
      for (const [m, other] of buttons.entries()) other.setAttribute("aria-pressed", String(m === n));
      context(lines, sample, 4);
    }, { class: "tab", "aria-pressed": String(n === 0), title: `Line ${sample.id}` }));
  return h("div", { class: "tabs", role: "group", "aria-label": "Samples" }, buttons);
}

async function context(lines, sample, around) {
  let list = lines.querySelector(".context");
  if (!list) lines.append((list = h("div", { class: "context" })));
  const asked = (list.dataset.asked = `${sample.id}/${around}`);
  if (!list.firstChild) replace(list, line({ ...sample, level: "" }, true));
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get(`${path("records", sample.id, "context")}?before=${around}&after=${around}`);
    if (list.dataset.asked !== asked) return;
    replace(list, found.records.map((record) => line(record, record.id === found.hit)),
      around < 40 && button("show more around it", () => context(lines, sample, around * 3), { class: "quiet" }));
  } catch (failure) {
    if (list.dataset.asked !== asked) return;
    replace(list, line({ ...sample, level: "" }, true), h("p", { class: "hint" }, `${failure.message} ${failure.next ?? ""}`));
  }
  list.removeAttribute("aria-busy");
}

export function line(record, isHit) {
  return h("div", { class: isHit ? "line hit" : "line", "data-record": record.id, "aria-current": isHit ? "true" : null },
    h("time", { title: full(record.time) }, clock(record.time)),
    h("span", { class: `level ${record.level ?? ""}` }, record.level ?? ""),
    record.service && h("b", {}, record.service),
    h("span", { class: "text" }, text(record.text)));
}

// A stack trace keeps its lines.
function text(value) {
  return String(value).split("\n").map((part, n) => (n === 0 ? part : h("span", { class: "trace" }, part.replaceAll("\t", "    "))));
}
