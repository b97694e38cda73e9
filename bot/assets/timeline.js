// What happened, in order, beside the conversation.

import { get, listen, path } from "./api.js";
import { h, replace } from "./dom.js";
import { template } from "./evidence.js";
import { did, full, number, second } from "./words.js";

const TONES = { deploy: "dep", evidence: "bad", silence: "bad", proposed: "wait", approved: "ok", verified: "ok", rejected: "bad", ran: "ok",
  failed: "bad", unknown: "warn", resolved: "ok" };

export function rows(entries) {
  return h("ol", { class: "timeline" }, entries.map((entry) =>
    h("li", { class: entry.suspected === false ? "" : TONES[entry.kind] ?? "" },
      h("time", { datetime: entry.at, title: full(entry.at) }, second(entry.at)),
      told(entry))));
}

function told(entry) {
  const [name, text] = did(entry.actor, entry.text);
  return [name && h("b", {}, `${name} `), template(text)];
}

// The incident's own timeline, or what the answer alone knows.
export function timelineOf(answer) {
  const root = h("section", { class: "side", "aria-label": "Timeline" });
  const show = (entries) => replace(root, h("h2", {}, "Timeline"),
    entries.length ? rows(entries) : h("p", { class: "hint" }, "Nothing happened in this window that the logs or the changes tell of."));
  const load = async () => {
    try {
      const incident = await get(path("incidents", answer.incident));
      show(incident.timeline.length ? incident.timeline : known(answer));
    } catch {
      show(known(answer));
    }
  };
  show(known(answer));
  if (answer.incident) {
    load();
    listen(root, "incident", (incident) => (incident.reload || incident.id === answer.incident) && load());
    listen(root, "step", (now) => (!now.incident || now.incident === answer.incident) && load());
  }
  return root;
}

function known(answer) {
  const entries = answer.changes.map((change) => ({ at: change.at, kind: "deploy", suspected: change.suspected,
    text: `${change.service} ${change.version} ${change.kind === "deploy" ? "deployed" : `${change.kind} changed`}${change.by ? ` by ${change.by}` : ""}` }));
  for (const evidence of answer.evidence.filter((evidence) => ["new", "burst", "precursor"].includes(evidence.kind) && evidence.first)) {
    entries.push({ at: evidence.first, kind: "evidence", text: `${evidence.service}: first “${evidence.template}”` });
  }
  return entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-14);
}

// Every service with its errors, the worst first; live.
export function services(overview) {
  const root = h("section", { class: "side", "aria-label": "Services" });
  const draw = (overview) => {
    if (!overview?.services?.length) return replace(root);
    const sorted = [...overview.services].sort((a, b) => b.errors_per_minute - a.errors_per_minute || b.silent - a.silent || a.name.localeCompare(b.name));
    replace(root, h("h2", {}, "Services ", h("span", { class: "faint" }, "errors/min")), h("ul", { class: "services" }, sorted.map((service) =>
      h("li", { class: service.silent ? "silent" : service.errors_per_minute >= 1 ? "failing" : "" },
        h("a", { href: `#/search?q=${encodeURIComponent(`service:${service.name}`)}` }, service.name),
        service.version && h("span", { class: "version" }, service.version),
        h("span", { class: "rate" }, service.silent ? "silent" : rate(service.errors_per_minute))))));
  };
  draw(overview);
  listen(root, "overview", draw);
  return root;
}

function rate(perMinute) {
  if (perMinute === 0) return "0";
  return perMinute < 10 ? perMinute.toFixed(1) : number(perMinute);
}
