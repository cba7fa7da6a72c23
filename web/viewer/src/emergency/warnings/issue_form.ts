/** The form that issues a warning, or updates one that was issued here. */

import { Problem } from "../../api";
import { button, element } from "../../dom";
import type { CityMap } from "../../map";
import { field, formOf, momentInput, momentOf, submitButton } from "../forms";
import { infoOf, type Status, type Taken, type Whole, type WarningsApi } from "./api";
import { AreaInput } from "./area_input";
import type { Choice } from "./choice";
import { dress, statusChoice, WarningFields } from "./fields";
import { following, keptArea } from "./following";
import { Refusals } from "./refusals";
import { categoryName, CATEGORY_NAMES, EVENTS, statusName, term } from "./words";

export interface FormDeeds {
  made(taken: Taken): void;
  back(): void;
}

export class IssueForm {
  readonly element: HTMLElement;
  private readonly status: Choice<Status> | null;
  private readonly event = element("input", { name: "event", maxlength: "500", list: "warning-events" });
  private readonly category = element("select", { name: "category" }, ...CATEGORY_NAMES.map((one) => element("option", { value: one }, categoryName(one))));
  private readonly issuer = element("input", { name: "sender_name", maxlength: "500", placeholder: term("issuerHint") });
  private readonly onset = momentInput(null);
  private readonly fields: WarningFields;
  private readonly area: AreaInput;
  private readonly refusals: Refusals;
  private readonly send = submitButton("", "deed main-deed send-warning");

  /** `first` is the warning that is updated; null for a new one. */
  constructor(private readonly api: WarningsApi, map: CityMap, private readonly first: Whole | null, private readonly deeds: FormDeeds) {
    const info = first ? infoOf(first) : null;
    this.fields = new WarningFields({ colour: first?.colour ?? null, expires: first?.expires ?? null, info });
    this.area = new AreaInput(api, map, first ? keptArea(first) : null);
    this.status = first ? null : statusChoice(["Actual", "Exercise", "Test", "Draft"], () => this.dress());
    this.event.value = info?.event ?? "";
    this.issuer.value = info?.sender_name ?? "";
    this.category.value = info?.categories[0] ?? "Other";
    this.onset.name = "onset";
    const form = formOf("em-report ew-form", () => void this.submit(), ...this.rows(), this.send);
    this.refusals = new Refusals(() => form, {
      status: this.status?.element ?? form, event: around(this.event), sender_name: around(this.issuer), onset: around(this.onset), area: this.area.element, ...this.fields.controls,
    });
    this.send.before(this.refusals.foot);
    const away = button("‹", "em-back", deeds.back);
    away.setAttribute("aria-label", term("backOne"));
    this.element = element("div", { class: "em-view" }, element("div", { class: "em-head" }, away, element("h2", {}, term(first ? "updating" : "issueOne"))), form);
    this.area.element.addEventListener("placed", () => this.area.element.querySelector(".em-problem.told")?.remove());
    this.dress();
  }

  get busy(): boolean {
    return this.area.busy;
  }
  /** Whether what it will send is an exercise or a test. */
  get drill(): boolean {
    const status = this.first?.status ?? this.status?.value;
    return status === "Exercise" || status === "Test" || status === "System";
  }

  end(): void {
    this.area.end();
  }

  private rows(): HTMLElement[] {
    const events = element("datalist", { id: "warning-events" }, ...EVENTS.map((value) => element("option", { value })));
    return [
      this.status?.element ?? element("p", { class: "fine ew-same" }, element("b", {}, statusName(this.first?.status ?? "Actual")), ` ${term("sameStatus")}`),
      element("div", { class: "em-two" }, field(term("event"), this.event), field(term("category"), this.category)), events,
      this.fields.colour.element, ...this.fields.texts, element("div", { class: "em-two ew-when" }, field(term("onset"), this.onset), this.fields.expiry.element),
      this.area.element, field(term("issuer"), this.issuer),
    ];
  }

  private dress(): void {
    dress(this.element, this.send, this.first?.status ?? this.status?.value ?? null);
    this.element.dispatchEvent(new Event("dressed"));
  }

  private async submit(): Promise<void> {
    this.refusals.clear();
    this.send.disabled = true;
    this.send.textContent = term("sending");
    try {
      this.deeds.made(await this.api.issue(this.body()));
    } catch (error) {
      this.refusals.tell(error);
    } finally {
      this.send.disabled = false;
      this.dress();
    }
  }

  private body(): Record<string, unknown> {
    const status = this.first?.status ?? this.status?.value;
    const event = this.event.value.trim();
    if (!status) throw new Problem(term("needStatus"), "status");
    if (!event) throw new Problem(term("needEvent"), "event");
    const onset = momentOf(this.onset);
    return {
      status, event, category: [this.category.value], ...this.fields.members(event), area: this.area.value, sender_name: this.issuer.value.trim(),
      ...(onset ? { onset } : {}), ...(this.first ? following(this.first, "Update") : {}),
    };
  }
}

function around(control: HTMLElement): HTMLElement {
  return control.closest<HTMLElement>(".em-field") ?? control;
}
