/** A draft: what it would say may still be changed, then it is issued as the real thing or as a drill, or put aside. */

import { Problem } from "../../api";
import { element } from "../../dom";
import { formOf, submitButton, trying } from "../forms";
import { infoOf, type Status, type Taken, type Whole, type WarningsApi } from "./api";
import { dress, statusChoice, WarningFields } from "./fields";
import { Refusals } from "./refusals";
import { sureButton } from "./sure_button";
import { term } from "./words";

export class DraftForm {
  readonly element: HTMLElement;
  private readonly fields: WarningFields;
  private readonly status = statusChoice(["Actual", "Exercise", "Test"], () => this.dress());
  private readonly send = submitButton("", "deed main-deed issue-draft");
  private readonly refusals: Refusals;

  constructor(private readonly api: WarningsApi, private readonly draft: Whole, private readonly made: (taken: Taken) => void, discarded: () => void) {
    this.fields = new WarningFields({ colour: draft.colour, expires: draft.expires, info: infoOf(draft) });
    const form = formOf("em-report ew-form", () => void this.submit(), this.status.element, this.fields.colour.element, ...this.fields.texts, this.fields.expiry.element, this.send);
    this.refusals = new Refusals(() => form, { status: this.status.element, ...this.fields.controls });
    this.send.before(this.refusals.foot);
    const aside = sureButton(term("discard"), term("discardSure"), "deed discard-draft", () => void trying(this.refusals.foot, async () => {
      await api.discard(draft.code);
      discarded();
    }));
    form.hidden = !api.mayPublish;
    this.element = element("section", { class: "ew-draft" }, element("p", { class: "ew-draft-hint" }, term("draftHint")), form, aside);
    this.dress();
  }

  private dress(): void {
    dress(this.element, this.send, this.status.value);
  }

  private async submit(): Promise<void> {
    this.refusals.clear();
    this.send.disabled = true;
    try {
      const status: Status | null = this.status.value;
      if (!status) throw new Problem(term("needStatus"), "status");
      this.made(await this.api.issueDraft(this.draft.code, { status, ...this.fields.members(this.draft.event) }));
    } catch (error) {
      this.refusals.tell(error);
      this.send.disabled = false;
    }
  }
}
