/** Unpacks the texts of the page, each in its own element, and adds the style and the script, whose hashes the policy has. */

import { unpacked } from "./bunzip.mjs";

for (const element of document.scripts) if (element.type === "text/plain") element.text = unpacked(element.text);
const PARTS = ["script", "style"];
for (const name of PARTS) {
  const { text } = /** @type {HTMLScriptElement} */ (document.getElementById(`live-${name}`));
  document.head.append(Object.assign(document.createElement(name), { type: name === "script" ? "module" : "", textContent: text }));
}
