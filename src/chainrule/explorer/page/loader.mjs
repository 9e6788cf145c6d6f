/** Unpacks the texts of the page, each in its own element, and adds the style and the script, whose hashes the policy has. */

import { unpacked } from "./bunzip.mjs";

// The tables come first, and the script last, because it runs when it is added: it is no module, so
// that the page is laid out once for the style and for what the script makes.
for (const element of [...document.scripts]) if (element.type === "text/plain") {
  const text = element.text = unpacked(element.text);
  const name = element.id.replace("live-", "");
  if (name !== "tables") document.head.append(Object.assign(document.createElement(name), { textContent: text }));
}
