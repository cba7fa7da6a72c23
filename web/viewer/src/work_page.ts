/** The frame of a page for work beside the map: heading, ways to the other pages, language, login; and its problems. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./work.css";
import { ask, Problem, type Session } from "./api";
import { button, element } from "./dom";
import { choose, current, word } from "./i18n";
import { sessionControl } from "./session";
import { waysTo } from "./ways";
import { term, type Term } from "./work_words";

/** Open a page: its content gets the caller's session; what goes wrong is shown in its place. */
export async function openPage(name: Term, build: (main: HTMLElement, session: Session) => Promise<void>): Promise<void> {
  choose(current());
  const root = document.querySelector<HTMLElement>("#app") ?? document.body;
  const main = element("main", { class: `work ${name}` });
  let session: Session = { user: null, role: "anonymous", operations: [], csrf: null };
  try {
    session = await ask<Session>("/session");
    root.replaceChildren(heading(name, session), main, element("div", { class: "messages" }));
    await build(main, session);
  } catch (error) {
    root.replaceChildren(heading(name, session), main, element("div", { class: "messages" }));
    main.append(problemView(error));
  }
  document.body.dataset["ready"] = "yes";
}

function heading(name: Term, session: Session): HTMLElement {
  return element(
    "header", { class: "top" },
    element("h1", {}, word("title"), element("span", { class: "sub" }, ` · ${term(name)}`)),
    waysTo(name),
    element("span", { class: "spring" }),
    button(current() === "zh" ? "English" : "中文", "quiet", () => {
      choose(current() === "zh" ? "en" : "zh");
      location.reload();
    }),
    sessionControl(session, () => location.reload()),
  );
}

/** What went wrong: what, where, and what to do about it. */
export function problemView(error: unknown): HTMLElement {
  const problem = error instanceof Problem ? error : new Problem(error instanceof Error ? error.message : String(error));
  return element(
    "div", { class: "wrong", role: "alert" },
    element("p", { class: "what" }, problem.where ? element("b", {}, `${problem.where}　`) : null, problem.what),
    problem.remedy ? element("p", { class: "remedy" }, `${term("remedy")}：${problem.remedy}`) : null,
  );
}
