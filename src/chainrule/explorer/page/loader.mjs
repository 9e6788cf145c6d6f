/** Unpacks the texts of the page, each in its own element, and adds the script, whose hash the policy has. */

import { unpacked } from "./bunzip.mjs";

for (const element of document.querySelectorAll("script[type='text/plain']")) element.textContent = unpacked(element.textContent ?? "");
const script = document.createElement("script");
script.type = "module";
script.textContent = document.getElementById("live-script")?.textContent ?? "";
document.head.append(script);
