// The list of incidents, and one of them: how it stands, what was asked and answered, what happened.

import { answerCard, proposal } from "./answer.js";
import { get, path } from "./api.js";
import { h, replace } from "./dom.js";
import { empty, page } from "./page.js";
import { pill, stand } from "./stand.js";
import { rows } from "./timeline.js";
import { full, second } from "./words.js";

export const incidentsView = (main) => page(main, "Incidents", async () => {
  const { incidents } = await get("/api/incidents");
  if (incidents.length === 0) return empty("No incidents.", "One opens by itself when an answer finds a cause. Ask “what is wrong?”");
  return h("ul", { class: "list" }, incidents.map((incident) => h("li", {}, h("a", { href: `#/incidents/${encodeURIComponent(incident.id)}` },
    pill(incident), h("b", {}, incident.title),
    h("span", { class: "meta" }, [incident.standing.text, incident.service, incident.verdict, incident.id].filter(Boolean).join(" · ")),
    h("time", { title: full(incident.opened) }, second(incident.opened))))));
}, ["incident", "step"]);

export const incidentView = (main, id, ask) => page(main, "Incident", async () => {
  const first = await get(path("incidents", id));
  const lead = h("div", {});
  const talk = h("section", { class: "talk", "aria-label": "Conversation" });
  const happened = h("section", { class: "side", "aria-label": "Timeline" });
  const shown = new Set();
  const show = (incident) => {
    replace(lead, h("p", { class: "lead" }, pill(incident), " ", h("b", {}, incident.title ?? id)), h("p", { class: "meta" }, about(incident)),
      incident.state === "resolved" && h("p", { class: "tools" }, h("a", { class: "draft", href: `#/editor?incident=${encodeURIComponent(id)}` }, "Draft a runbook from what was done")));
    replace(happened, h("h2", {}, "Timeline"), rows(incident.timeline ?? []));
    // Cards follow by themselves; only what is new is added.
    for (const one of incident.by_hand ?? []) {
      if (!shown.has(one.id)) talk.append(h("section", { class: "card", "aria-label": one.title }, proposal(one)));
      shown.add(one.id);
    }
    for (const answer of incident.answers ?? []) {
      if (!shown.has(answer.id)) talk.append(answerCard(answer, ask, {}));
      shown.add(answer.id);
    }
  };
  show(first);
  return [lead, stand(id, { incident: first, react: show }), h("div", { class: "ask" }, talk, h("aside", {}, happened))];
});

function about(incident) {
  const { verdict, service, resolved } = incident;
  return [verdict && `verdict: ${verdict.replaceAll("_", " ")}`, service, incident.opened && `opened ${second(incident.opened)}`,
    resolved && `resolved ${second(resolved.at)} by ${resolved.by}`, incident.id].filter(Boolean).join(" · ");
}
