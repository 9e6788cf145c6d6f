/** What the instrument says to screen readers, which is also a line that everyone sees. */

import { h } from "./dom.mjs";

export const region = h("p", { role: "status", class: "says" });

/** @type {(text: string) => void} */
export const say = (text) => void (region.textContent !== text && (region.textContent = text));
