/** What happened to a warning, the newest on top; calls have a tab of their own. */

import { element } from "../../dom";
import { moment } from "../../live/words";
import type { Step, Whole } from "./api";
import { actionName, noteText } from "./words";

export class CourseTab {
  readonly element = element("ol", { class: "ew-course" });

  renew(whole: Whole): void {
    this.element.replaceChildren(...whole.history.filter((one) => one.call === null).reverse().map(line));
  }
}

function line(step: Step): HTMLElement {
  return element(
    "li", { class: `step-${step.action.replace(" ", "-")}` }, element("time", {}, moment(step.at)), element("b", {}, actionName(step.action)),
    element("span", {}, [step.actor, step.channel, noteText(step.note)].filter(Boolean).join(" · ")),
  );
}
