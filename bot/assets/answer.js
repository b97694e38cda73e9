// One answer: the sentence, the picture, the evidence, what changed, what could be done, what was looked at.

import { chart } from "./chart.js";
import { evidenceList, line } from "./evidence.js";
import { button, h } from "./dom.js";
import { step } from "./steps.js";
import { clockMinute, coverage, full, model, second, span, today, took, verdict } from "./words.js";

export function answerCard(answer, ask, { isLast } = {}) {
  const said = story(answer);
  const isTold = answer.model && !answer.model.degraded;
  // Without a model the sentences of a cause repeat the rows: they are kept for who wants them, folded.
  const folds = answer.verdict === "cause" && !isTold && answer.evidence.length > 0;
  return h("article", { class: "turn", id: `answer-${answer.id}`, "data-answer": answer.id },
    h("p", { class: "question" }, h("b", {}, answer.question),
      h("a", { class: "when", href: `#/answer/${encodeURIComponent(answer.id)}`, title: "A link to this answer" }, span(answer.window.from, answer.window.to))),
    h("div", { class: `answer ${answer.verdict}` },
      h("h2", { class: "headline" }, quoted(answer.headline)),
      h("p", { class: "verdict" }, judgement(answer)),
      assumed(answer),
      !folds && said,
      showsChart(answer) && chart(answer),
      evidenceList(answer),
      ["show_me", "who"].includes(answer.kind) && samples(answer),
      changes(answer),
      proposals(answer),
      folds && said && h("details", { class: "words" }, h("summary", {}, "In words"), said),
      h("p", { class: "cover" }, coverage(answer))),
    isLast && answer.follow_ups?.length > 0 && h("nav", { class: "next", "aria-label": "Ask next" },
      answer.follow_ups.map((question) => button(today(question), () => ask(question), { class: "chip" }))));
}

function judgement(answer) {
  const judged = verdict(answer);
  const speed = h("span", {}, `${took(answer.took_ms)}, ${model(answer.model)}`);
  if (!judged) return speed;
  return [h("b", { class: judged.tone }, judged.text),
    judged.sure !== null && h("span", { title: "how far the evidence carries this, from 0 to 1" },
      meter(judged.sure, judged.tone), `confidence ${judged.sure.toFixed(2)}`), speed];
}

function meter(share, tone) {
  return h("meter", { class: tone, min: 0, max: 1, value: share, "aria-hidden": "true" });
}

// What was assumed; that the default hour was taken stands in the coverage.
function assumed(answer) {
  const notes = answer.notes.filter((note) => !note.startsWith("no time was given"));
  return notes.length > 0 && h("ul", { class: "notes", "aria-label": "Notes" }, notes.map((note) => h("li", {}, quoted(`${note}.`))));
}

// A chart of nothing says less than the sentence that there was nothing.
function showsChart(answer) {
  return answer.kind === "how_often" || (answer.chart?.counts.some((count) => count > 0) && answer.verdict !== "no_fault");
}

// The claims that say more than the headline and the rows below do.
function story(answer) {
  const elsewhere = [answer.headline, ...answer.changes.map((c) => c.why), ...answer.suspects.map((s) => s.why)];
  const cleared = answer.changes.filter((change) => !change.suspected).map((change) => change.id);
  const isRow = (claim) => claim.citations.length > 0 && claim.citations.every((id) => cleared.includes(id));
  const claims = answer.claims.filter((claim) => claim.verified && !isRow(claim) && !elsewhere.some((text) => text.includes(claim.text.trim())));
  if (claims.length === 0) return null;
  return h("p", { class: "story" }, claims.map((claim, n) => [n > 0 && " ", cited(answer, claim.text, claim.citations)]));
}

// The last word stays with what it cites, so that no line starts with a citation.
function cited(answer, text, ids) {
  const cut = text.trimEnd().lastIndexOf(" ") + 1;
  return [quoted(text.slice(0, cut)), h("span", { class: "tie" }, quoted(text.slice(cut)), citations(answer, ids))];
}

// `names` stand as code.
export function quoted(text) {
  return text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part));
}

export function citations(answer, ids) {
  return ids.map((id) => button(id, () => jump(answer, id), { class: "cite", "aria-label": `Show ${id}` }));
}

// Opens the row that a sentence rests on.
function jump(answer, id) {
  const target = document.getElementById(`${answer.id}-${id}`);
  if (!target) return;
  if (target.getAttribute("aria-expanded") === "false") target.click();
  target.scrollIntoView({ block: "center" });
  target.focus();
}

function samples(answer) {
  const lines = answer.evidence.flatMap((evidence) => evidence.samples.map((sample) => ({ ...sample, service: evidence.service, level: evidence.level })));
  lines.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  return lines.length > 0 && h("div", { class: "context" }, lines.slice(0, 30).map((record) => line(record, false)));
}

function changes(answer) {
  const suspected = answer.changes.filter((change) => change.suspected);
  const isUnjudged = (change) => answer.verdict !== "cause" || !change.judged;
  const innocent = answer.changes.filter((change) => !change.suspected);
  const cleared = innocent.filter((change) => !isUnjudged(change));
  const unjudged = innocent.filter(isUnjudged);
  const explained = suspected.length > 0 && answer.verdict !== "conflicting";
  const others = explained ? [] : answer.suspects.filter((one) => !suspected.some((change) => change.service === one.service)).slice(0, 3);
  if (suspected.length + innocent.length + others.length === 0) return null;
  const shown = answer.kind === "what_changed" ? 12 : 3;
  const listed = (label, changes) => changes.length > 0 && [h("dt", {}, label), h("dd", {}, changes.slice(0, shown).map((change) => h("p", {}, changeLine(answer, change))),
    changes.length > shown && h("p", { class: "faint" }, `and ${changes.length - shown} more that changed nothing here`))];
  return h("dl", { class: "changes" },
    suspected.map((change) => [h("dt", { class: "bad" }, "Suspect"), h("dd", {}, changeLine(answer, change))]),
    others.map((one) => [h("dt", {}, "Suspect"), h("dd", {}, h("b", {}, one.service), ": ", cited(answer, one.why, one.citations))]),
    listed("Cleared", cleared), listed("Changes", unjudged));
}

function changeLine(answer, change) {
  const when = new Date(change.at).getUTCSeconds() === 0 ? clockMinute(change.at) : second(change.at);
  return [h("span", { class: "id", id: `${answer.id}-${change.id}`, tabindex: "-1", title: change.url ?? null }, change.id), " ", h("b", {}, `${change.service} ${change.version}`),
    change.by && ` by ${change.by}`, ", ", h("time", { title: full(change.at) }, when), `: ${change.why}`];
}

function proposals(answer) {
  const [first, ...others] = answer.proposals;
  if (!first) return null;
  const rest = h("div", { class: "others", hidden: true });
  const toggle = button(`Other runbooks (${others.length})`, () => {
    rest.hidden = !rest.hidden;
    toggle.setAttribute("aria-expanded", String(!rest.hidden));
    if (!rest.firstChild) rest.append(...others.map((one) => proposal(one, answer)));
  }, { class: "quiet more", "aria-expanded": "false" });
  return h("div", { class: "proposals" }, proposal(first, answer), others.length > 0 && [toggle, rest]);
}

// `answer` is what a proposal cites; one that a person made stands alone.
export function proposal(one, answer) {
  const why = answer ? cited(answer, one.why, one.citations) : one.why;
  if (one.steps.length === 1) return step(one.steps[0], { title: one.title, why });
  return h("section", { class: "proposal", "aria-label": one.title }, h("h3", {}, one.title), h("p", { class: "why" }, why),
    one.steps.map((view, n) => step(view, { number: n + 1,
      joins: one.steps.slice(0, n).some((earlier) => view.together_with.includes(earlier.id)) })));
}
