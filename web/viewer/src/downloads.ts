/** Answers as files: each button asks the server anew and says decently when a form is not offered. */

import { keepFile, Problem } from "./api";
import { button, element } from "./dom";
import { term, type Term } from "./work_words";

const FORMS: [string, string, Term][] = [
  ["docx", "DOCX", "report"], ["pdf", "PDF", "report"], ["xlsx", "XLSX", "tablesFile"], ["zip", "ZIP", "packageFile"], ["geojson", "GeoJSON", "shapesFile"],
];

/** Buttons for files; `make` gets the form and answers with its bytes. */
export function downloads(name: string, make: (form: string) => Promise<Blob>, forms: readonly string[] | null = null): HTMLElement {
  const told = element("p", { class: "download-told", role: "status" });
  const get = async (form: string): Promise<void> => {
    told.className = "download-told";
    told.textContent = `${term("downloading")} ${form.toUpperCase()}…`;
    try {
      keepFile(await make(form), `${name}.${form}`);
      told.textContent = "";
    } catch (error) {
      told.className = "download-told caution";
      told.textContent = error instanceof Problem ? error.message : String(error);
    }
  };
  const offered = FORMS.filter(([form]) => forms === null || forms.includes(form));
  const extra: [string, string, Term][] = forms?.includes("json") ? [["json", "JSON", "result"]] : [];
  return element(
    "div", { class: "downloads" }, element("span", {}, term("download")),
    ...[...offered, ...extra].map(([form, label, what]) => button(`${label} ${term(what)}`, "plain-button", () => void get(form))), told,
  );
}
