/** Logging in and out. */

import { ask, type Session } from "./api";
import { button, element, say } from "./dom";
import { word } from "./i18n";

export function sessionControl(session: Session, changed: () => void): HTMLElement {
  if (session.user) {
    const out = button(word("logout"), "quiet", () => {
      ask("/session", { method: "DELETE", headers: { "X-CSRF-Token": session.csrf ?? "" } })
        .then(changed)
        .catch((error: unknown) => say(error instanceof Error ? error.message : String(error), "error"));
    });
    return element("span", { class: "session" }, element("span", { class: "who" }, session.user.name), out);
  }
  return element("span", { class: "session" }, button(word("login"), "quiet", () => dialog(changed)));
}

function dialog(changed: () => void): void {
  const name = element("input", { name: "name", autocomplete: "username", required: "", maxlength: "100" });
  const password = element("input", { name: "password", type: "password", autocomplete: "current-password", required: "" });
  const problem = element("p", { class: "problem", role: "alert" });
  const form = element(
    "form", { method: "dialog" }, element("h2", {}, word("login")),
    element("label", {}, word("name"), name), element("label", {}, word("password"), password), problem,
    element("div", { class: "buttons" }, button(word("cancel"), "quiet", () => box.close()),
      element("button", { type: "submit", class: "main" }, word("login"))),
  );
  const box = element("dialog", { class: "login" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = JSON.stringify({ name: name.value, password: password.value });
    ask<Session>("/session", { method: "POST", headers: { "Content-Type": "application/json" }, body })
      .then(changed)
      .catch((error: unknown) => {
        problem.textContent = error instanceof Error ? error.message : String(error);
      });
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  name.focus();
}
