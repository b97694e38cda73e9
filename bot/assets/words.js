// Numbers, times and the phrases that compare them. A number never stands alone.

const grouped = new Intl.NumberFormat("en-US");
let zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
let forms = makeForms();

function makeForms() {
  const form = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  return {
    second: form({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: form({ hour: "2-digit", minute: "2-digit" }),
    day: form({ day: "numeric", month: "short" }),
    year: form({ day: "numeric", month: "short", year: "numeric" }),
  };
}

export function useZone(name) {
  try {
    zone = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return;
  }
  forms = makeForms();
}

export const zoneName = () => zone;
export const number = (n) => grouped.format(Math.round(n ?? 0));
export const counted = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
export const ratio = (x) => (x >= 9.95 ? number(x) : x.toFixed(1));
export const percent = (share) => `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;

function dated(time, clock) {
  const date = new Date(time);
  const now = new Date();
  if (forms.year.format(date) === forms.year.format(now)) return clock;
  const sameYear = date.getFullYear() === now.getFullYear();
  return `${(sameYear ? forms.day : forms.year).format(date)} ${clock}`;
}

export const second = (time) => dated(time, forms.second.format(new Date(time)));
export const minute = (time) => dated(time, forms.minute.format(new Date(time)));
export const clock = (time) => forms.second.format(new Date(time));
export const clockMinute = (time) => forms.minute.format(new Date(time));
// Below a picture: the day where the picture is longer than one.
export const tick = (time, isLong) => (isLong ? forms.day : forms.minute).format(new Date(time));
export const full = (time) => `${forms.year.format(new Date(time))} ${clock(time)} ${zone}`;

// `console:ines` is a person and the way they came in; pages show the person.
export const person = (actor) => String(actor ?? "").split(":").pop();

// Who did it, and the rest of the sentence, which may name them itself.
export const did = (actor, text) => {
  const name = person(actor);
  return [name || null, name && text.startsWith(`${name} `) ? text.slice(name.length + 1) : text];
};

// A question as a button shows it: without the date, when that is today's.
export function today(question) {
  const iso = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date());
  return question.replaceAll(`${iso} `, "");
}

export function span(from, to) {
  const sameDay = forms.year.format(new Date(from)) === forms.year.format(new Date(to));
  return sameDay ? `${minute(from)}–${clockMinute(to)}` : `${minute(from)} – ${minute(to)}`;
}

export function took(ms) {
  return ms >= 995 ? `${(ms / 1000).toFixed(1)} s` : `${Math.max(0.01, ms / 1000).toFixed(2)} s`;
}

export function length(from, to) {
  const seconds = Math.round((new Date(to) - new Date(from)) / 1000);
  const minutes = Math.round(seconds / 60);
  if (minutes === 0) return counted(seconds, "second");
  if (minutes === 1) return "minute";
  if (minutes === 60) return "hour";
  if (minutes === 1440) return "day";
  if (minutes % 1440 === 0) return `${minutes / 1440} days`;
  if (minutes % 60 === 0) return `${minutes / 60} hours`;
  return `${minutes} minutes`;
}

// The baseline in words that follow "in".
export function before(answer) {
  if (!answer.baseline) return null;
  const touches = Math.abs(new Date(answer.baseline.to) - new Date(answer.window.from)) < 60000;
  const { from, to } = answer.baseline;
  return touches ? `the ${length(from, to)} before` : span(from, to);
}

export const KINDS = {
  new: ["new", "this kind of message was not seen before"],
  burst: ["burst", "far above its usual rate"],
  silence: ["gone", "expected, and gone"],
  missing_followup: ["missing", "a line that no longer follows another"],
  precursor: ["early", "rose before it began"],
  match: ["match", "what you asked for"],
};

// The count and what it is compared with.
export function comparison(evidence, answer) {
  const { kind, count, expected, after } = evidence;
  const earlier = before(answer);
  const times = `${number(count)} ×`;
  const first = evidence.first ? second(evidence.first) : null;
  if (kind === "silence") {
    if (count === 0) return ["none", join(`usual ${number(expected)}`, evidence.last && `last ${second(evidence.last)}`)];
    if (expected > count) return [`−${percent(1 - count / expected)}`, earlier ? `than in ${earlier}` : "than usual"];
    return [times, ""];
  }
  if (kind === "missing_followup" && after && after.due > 0) {
    const was = `${number(after.baseline_missed)} of ${number(after.baseline_due)} before`;
    return [`${percent(after.missed / after.due)} missing`, `${number(after.missed)} of ${number(after.due)}, ${was}`];
  }
  if (kind === "match") {
    const until = evidence.last && evidence.last !== evidence.first ? ` – ${second(evidence.last)}` : "";
    return [times, first ? first + until : ""];
  }
  if (evidence.baseline_count === 0) return [times, earlier ? `not once in ${earlier}` : first ? `first ${first}` : ""];
  if (kind === "new") return [times, earlier ? `${number(evidence.baseline_count)} in ${earlier}` : ""];
  return [times, expected > 0 ? `${ratio(count / expected)} × usual` : ""];
}

export function verdict(answer) {
  // Who asks for lines gets lines; the verdict is not about those.
  if (["how_often", "show_me", "who"].includes(answer.kind)) return null;
  const quiet = answer.kind === "what_changed";
  switch (answer.verdict) {
    case "cause": return { text: "cause", tone: "bad", sure: answer.confidence };
    case "no_fault": return quiet ? null : { text: "no fault", tone: "ok", sure: answer.confidence };
    case "conflicting": return { text: "conflicting", tone: "warn", sure: answer.confidence };
    default: return { text: "not enough evidence", tone: "warn", sure: null };
  }
}

const DEGRADED = {
  timeout: "it did not answer in time",
  budget: "its budget is spent",
  breaker: "it failed too often and is resting",
  invalid: "its reply could not be read",
  unreachable: "it cannot be reached",
  rate_limited: "it is rate-limited",
  demoted: "too many of its sentences failed the check",
  off: "it is switched off",
};

export function model(use) {
  if (!use) return "no model";
  if (use.degraded) return `without the model: ${DEGRADED[use.degraded] ?? use.degraded}`;
  const removed = use.claims_removed ? `, ${counted(use.claims_removed, "sentence")} removed by the checker` : "";
  return `told by ${use.name}${removed}`;
}

export function coverage(answer) {
  const c = answer.coverage;
  const earlier = before(answer);
  const parts = [
    `Searched all ${counted(c.records_searched, "record")} of ${counted(c.services, "service")}, ` +
      `${span(answer.window.from, answer.window.to)}${earlier ? `, against ${earlier}` : ""}.`,
  ];
  const silent = c.silent_services;
  if (silent.length === 1) parts.push(`${silent[0]} has gone silent.`);
  if (silent.length > 1) parts.push(`${silent.slice(0, -1).join(", ")} and ${silent.at(-1)} have gone silent.`);
  for (const gap of c.gaps.slice(0, 3)) parts.push(`Nothing was received from ${gap.source} ${span(gap.from, gap.to)}.`);
  if (c.gaps.length > 3) parts.push(`${c.gaps.length - 3} more gaps.`);
  if (c.redacted) parts.push(`${counted(c.redacted, "value")} redacted.`);
  if (c.shown_to_model) parts.push(`${counted(c.shown_to_model, "line")} shown to the model.`);
  return parts.join(" ");
}

function join(...parts) {
  return parts.filter(Boolean).join(", ");
}
