// A page that loads: its title, what came, or what went wrong and what to do.

import { listen } from "./api.js";
import { button, h, replace } from "./dom.js";

// Shows what `load` brings, and again whenever one of `live` happens.
export async function page(main, title, load, live = []) {
  const body = h("div", { class: "body" }, h("p", { class: "loading" }, "Loading…"));
  replace(main, h("section", { class: "page" }, h("h1", {}, title), body));
  const show = async () => {
    try {
      replace(body, await load());
    } catch (failure) {
      replace(body, problem(failure, show));
    }
  };
  for (const kind of live) listen(body, kind, show);
  await show();
}

export const empty = (text, next) => h("div", { class: "notice" }, h("p", {}, text), next && h("p", { class: "dim" }, next));

export const problem = (failure, again) => h("div", { class: "notice", role: "alert" }, h("p", {}, failure.message),
  failure.next && h("p", { class: "dim" }, failure.next), again && button("Try again", again));
