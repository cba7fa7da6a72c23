/** Map sheets: choose a template and a title, get what the map shows as a PDF or PNG. */

import { download, ask, type Text } from "./api";
import { button, element } from "./dom";
import { current, text, word } from "./i18n";

interface Sheet {
  id: string;
  title: Text;
  paper: string;
  orientation: "portrait" | "landscape";
  texts: Record<string, Text>;
  layers: { id: string; title: Text; readable: boolean }[];
}

/** Open the dialog; `bbox` gives west, south, east, north of what the map shows at the moment of drawing. */
export async function sheetDialog(csrf: string | null, bbox: () => [number, number, number, number]): Promise<void> {
  const { sheets, scales } = await ask<{ sheets: Sheet[]; scales: number[] }>("/sheets");
  const template = element("select", { name: "template" });
  for (const sheet of sheets) {
    template.append(element("option", { value: sheet.id }, `${text(sheet.title)} (${sheet.paper} ${word(sheet.orientation)})`));
  }
  const title = element("input", { name: "title", maxlength: "100" });
  const review = element("input", { name: "review_number", maxlength: "60", placeholder: word("notReviewed") });
  const scale = element("select", { name: "scale" }, element("option", { value: "" }, word("fitView")));
  for (const one of scales) scale.append(element("option", { value: String(one) }, `1:${one}`));
  const note = element("p", { class: "fine caution" });
  const problem = element("p", { class: "problem", role: "alert" });
  const chosen = (): Sheet | undefined => sheets.find((sheet) => sheet.id === template.value);
  const tell = (): void => {
    const missing = (chosen()?.layers ?? []).filter((layer) => !layer.readable).map((layer) => text(layer.title));
    note.textContent = missing.length ? `${word("notDrawn")}: ${missing.join(", ")}` : "";
    title.placeholder = text(chosen()?.title ?? { zh: "", en: "" });
  };
  const draw = async (form: "pdf" | "png"): Promise<void> => {
    const sheet = chosen();
    if (!sheet) return;
    problem.textContent = "";
    const texts = review.value && "review_number" in sheet.texts ? { review_number: review.value } : {};
    const order = { bbox: bbox(), scale: scale.value ? Number(scale.value) : null, title: title.value, texts, f: form, language: current() };
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (csrf) headers["X-CSRF-Token"] = csrf;
    buttons.forEach((one) => { one.disabled = true; });
    try {
      await download(`/sheets/${sheet.id}`, `${title.value || text(sheet.title)}.${form}`, { method: "POST", headers, body: JSON.stringify(order) });
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
    buttons.forEach((one) => { one.disabled = false; });
  };
  const buttons = (["png", "pdf"] as const).map((form) => button(form.toUpperCase(), form === "pdf" ? "main" : "quiet", () => void draw(form)));
  const box = element("dialog", { class: "login sheets" }, element(
    "form", { method: "dialog" }, element("h2", {}, word("mapSheet")),
    element("label", {}, word("template"), template), element("label", {}, word("sheetTitle"), title),
    element("label", {}, word("scale"), scale), element("label", {}, word("reviewNumber"), review), note, problem,
    element("div", { class: "buttons" }, button(word("close"), "quiet", () => box.close()), ...buttons),
  ));
  box.addEventListener("close", () => box.remove());
  template.addEventListener("change", tell);
  tell();
  document.body.append(box);
  box.showModal();
}
