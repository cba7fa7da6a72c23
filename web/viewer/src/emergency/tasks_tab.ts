/** Tasks of an incident: for whom, what, by when, and their receipts: sent, received, done. */

import { button, element } from "../dom";
import { moment } from "../live/words";
import type { ReceiptKind, Task } from "./api";
import { field, formOf, momentInput, momentOf, problemLine, submitButton } from "./forms";
import { term } from "./words";
import type { Shown, Tab, Work } from "./work";

const RECEIPTS: ReceiptKind[] = ["sent", "received", "done"];

export class TasksTab implements Tab {
  readonly element = element("div", { class: "em-tasks" });
  private readonly list = element("div", { "aria-live": "polite" });
  private readonly recipient = element("input", { name: "recipient", maxlength: "100" });
  private readonly what = element("input", { name: "what", maxlength: "2000" });
  private readonly due = momentInput(null);
  private readonly problem = problemLine();
  private readonly form: HTMLElement;

  constructor(private readonly work: Work) {
    this.form = formOf(
      "em-forms", () => void this.add(), element("div", { class: "em-two" }, field(term("recipient"), this.recipient), field(term("dueAt"), this.due)),
      field(term("what"), this.what), submitButton(term("addTask")),
    );
    this.element.append(this.list, this.problem, this.form);
  }

  renew({ whole, may }: Shown): void {
    this.form.hidden = !may;
    this.list.replaceChildren(...(whole.tasks.length ? whole.tasks.map((one) => this.row(one, may)) : [element("p", { class: "none" }, term("noTasks"))]));
  }

  private row(task: Task, may: boolean): HTMLElement {
    const late = task.state !== "done" && task.due_at !== null && Date.parse(task.due_at) < Date.now();
    const reached = RECEIPTS.indexOf(task.state as ReceiptKind);
    const steps = RECEIPTS.map((kind, place) => {
      const receipt = task.receipts.find((one) => one.kind === kind);
      if (receipt) return element("span", { class: "em-receipt given", title: `${receipt.author}　${receipt.note}` }, `✓ ${term(kind)} ${moment(receipt.at)}`);
      if (may && place > reached) return button(term(kind), "em-receipt deed", () => void this.receive(task, kind));
      return element("span", { class: "em-receipt" }, term(kind));
    });
    return element(
      "article", { class: `em-task ${task.state}`, "data-task": String(task.number) },
      element("p", {}, element("b", {}, task.recipient), ` ${task.what}`),
      task.due_at ? element("small", { class: late ? "em-late" : "" }, `${term("by")} ${moment(task.due_at)}${late ? ` · ${term("overdue")}` : ""}`) : null,
      element("div", { class: "em-receipts" }, ...steps),
    );
  }

  private async receive(task: Task, kind: ReceiptKind): Promise<void> {
    await this.work.write(this.problem, () => this.work.api.add(this.work.code, `tasks/${task.number}/receipts`, { kind }));
  }

  private async add(): Promise<void> {
    const [recipient, what] = [this.recipient.value.trim(), this.what.value.trim()];
    if (!recipient || !what) {
      this.problem.textContent = term("needTask");
      return;
    }
    if (!(await this.work.write(this.problem, () => this.work.api.add(this.work.code, "tasks", { recipient, what, due_at: momentOf(this.due) })))) return;
    this.recipient.value = this.what.value = this.due.value = "";
  }
}
