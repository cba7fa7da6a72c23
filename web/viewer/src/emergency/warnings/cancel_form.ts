/** Cancelling a warning that was issued here: why is all that is asked. */

import { Problem } from "../../api";
import { element } from "../../dom";
import { field, formOf, submitButton } from "../forms";
import { infoOf, plainTitle, type Taken, type Whole, type WarningsApi } from "./api";
import { following, keptArea } from "./following";
import { Refusals } from "./refusals";
import { colourName, marked, statusName, term } from "./words";

const HOUR_MS = 3_600_000;

export class CancelForm {
  readonly element: HTMLElement;
  private readonly reason = element("textarea", { name: "reason", rows: "2", maxlength: "10000" });
  private readonly send = submitButton(term("cancelNow"), "deed main-deed send-cancel");
  private readonly refusals: Refusals;

  constructor(private readonly api: WarningsApi, private readonly first: Whole, private readonly made: (taken: Taken) => void) {
    this.element = formOf("em-forms ew-cancel", () => void this.submit(), element("p", { class: "fine" }, `${marked(first, plainTitle(first))}（${colourName(first.colour)}，${statusName(first.status)}）`), field(term("reason"), this.reason), this.send);
    this.refusals = new Refusals(() => this.element, {});
    this.send.before(this.refusals.foot);
  }

  private async submit(): Promise<void> {
    this.refusals.clear();
    this.send.disabled = true;
    try {
      this.made(await this.api.issue(this.body()));
    } catch (error) {
      this.refusals.tell(error);
      this.send.disabled = false;
    }
  }

  private body(): Record<string, unknown> {
    const { first } = this;
    const info = infoOf(first), area = keptArea(first);
    if (!area) throw new Problem(term("needArea"), "area");
    return {
      status: first.status, event: first.event, headline: `解除${plainTitle(first)}`, description: this.reason.value.trim(), category: info?.categories.length ? info.categories : ["Other"],
      colour: first.colour ?? "blue", expires: first.expires ?? new Date(Date.now() + HOUR_MS).toISOString(), area, sender_name: info?.sender_name ?? "", ...following(first, "Cancel"),
    };
  }
}
