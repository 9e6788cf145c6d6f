/** Unpacks the texts of the page, each in its own element, and adds the script, whose hash the policy has. */

import { unpacked } from "./bunzip.mjs";

for (const element of document.scripts) if (element.type === "text/plain") element.text = unpacked(element.text);
const script = document.createElement("script");
script.type = "module";
script.text = /** @type {HTMLScriptElement} */ (document.getElementById("live-script")).text;
document.head.append(script);
