/** The panel for sharing: links, files, pictures, numbers. */

import { button, counted, field, h } from "./dom.mjs";
import { exampleOf } from "./example.mjs";
import { variants } from "./catalogue.mjs";
import { failure, impossible, mistakeOf } from "./mistakes.mjs";
import { pack, unpack } from "./packing.mjs";
import { readState, stateText } from "./state.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./app.mjs").Panel} Panel */

const START = "#live=1.";
// Letters of a link, and bytes of the state in a link or in a file.
const [LONGEST, UNPACKED, MOST] = [20000, 2e6, 1e7];
// Numbers of a step that are written with all their lines.
const NUMBERS = 400;
// Steps of a run that are written so; the losses of all are written, too.
const STEPS = 50;
const STYLES = ["display", "visibility", "opacity", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "paint-order", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline", "text-decoration"];

/** @type {(store: Store, words: string) => void} go to a saved state; an error changes nothing */
export function restore(store, words) {
  const { model, at, mistake, origin, now } = readState(store.tables, words);
  const found = variants(store.tables, model).find(({ key }) => key === mistake);
  const why = found ? impossible(model)(store.tables, found) || failure(store.tables, model, found.replace) : mistake && "it is unknown here";
  if (why) throw new Error(`its mistake, ${mistake}, cannot be computed: ${why}`);
  store.begin("open a saved state", model, false, origin);
  store.look({ notation: null, digits: null, level: null });
  if (found || store.mistake) store.switchMistake(found ? mistakeOf(store.tables, found) : null);
  if (now) store.resume(now);
  else if (at > store.at) store.go(at);
}

/** @type {(store: Store) => Promise<string>} the address of the page with its state */
export async function linkOf(store) {
  if (location.protocol === "about:") throw new Error("a page in a notebook has no address; save a file");
  const text = stateText(store);
  const packed = await pack(text);
  if (text.length > UNPACKED / 2 || packed.length > LONGEST) throw new Error("it is too large for a link; save a file");
  return location.href.split("#")[0] + START + packed;
}

/** @type {(error: Error) => never} */
function damaged(error) {
  throw new Error(error instanceof RangeError ? `the link is too large: ${error.message}` : "the link is damaged");
}

/** @type {(name: string, content: string | Blob, type?: string) => void} */
function download(name, content, type = "application/json") {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** @type {() => string} the picture of the network as a file, its style written into it */
function pictureText() {
  const picture = document.querySelector("#live .network-picture");
  if (!picture) throw new Error("there is no picture");
  const copy = /** @type {SVGElement} */ (picture.cloneNode(true));
  const copies = [copy, ...copy.querySelectorAll("*")];
  [picture, ...picture.querySelectorAll("*")].forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) copies[i].setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "tabindex", "role"]) copies[i].removeAttribute(name);
  });
  const { width, height } = picture.getBoundingClientRect();
  for (const [name, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height })) copy.setAttribute(name, String(value));
  return new XMLSerializer().serializeToString(copy);
}

/** @type {(text: string) => Promise<Blob>} an SVG picture as PNG, with two dots for each of its own */
async function pngOf(text) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = h("canvas", { width: 2 * image.width, height: 2 * image.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture cannot be drawn")))));
}

/** @type {(store: Store) => Panel} */
export function share(store) {
  const says = h("p", { role: "status", class: "says" });
  const link = h("textarea", { readonly: true, rows: 3, hidden: true, "aria-label": "Link to this state" });
  const file = h("input", { type: "file", accept: ".json,application/json" });
  const doing = (/** @type {() => Promise<string> | string} */ what) => async () => {
    try {
      says.textContent = await what();
    } catch (error) {
      says.textContent = `Nothing was done: ${/** @type {Error} */ (error).message}`;
    }
  };
  const show = async () => {
    link.value = await linkOf(store);
    link.hidden = false;
    link.select();
    globalThis.history.replaceState(null, "", location.href.split("#")[0] + link.value.slice(link.value.indexOf("#")));
    return "The link is below, to be copied; it is also the page's address now.";
  };
  const open = async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return "";
    const words = chosen.size > MOST ? "" : await chosen.text();
    file.value = "";
    if (!words) throw new Error(`the file is empty, or larger than ${MOST / 1e6} MB`);
    restore(store, words);
    return "Opened.";
  };
  const exported = store.start;
  const numbers = (/** @type {string} */ name, /** @type {import("./store.mjs").Record[]} */ records) => {
    const unchanged = store.start === exported && records[0].step === exported.state.step && !store.mistake;
    if (store.start.theta.length * store.start.data.x.length > NUMBERS) throw new Error("there are too many numbers; chainrule explain writes them");
    download(name, JSON.stringify(exampleOf(store, unchanged ? exported.notes : undefined, records), null, 1));
    return `Saved ${counted(records.length, "step")} as ${name}.`;
  };
  const run = () => {
    const { records } = store;
    // evenly chosen, so that all their numbers do not take long
    const every = Math.ceil(records.length / STEPS);
    return numbers("run.json", records.filter((_, i) => i % every === 0));
  };
  const follow = doing(async () => {
    const { hash } = location;
    if (!hash.startsWith(START)) return says.textContent ?? "";
    if (hash.length > 5 * LONGEST) throw new Error("the link is too long");
    restore(store, await unpack(hash.slice(START.length), UNPACKED).catch(damaged));
    return "Opened from the link.";
  });
  addEventListener("hashchange", follow);
  follow();
  file.addEventListener("change", doing(open));
  const png = async () => (download("network.png", await pngOf(pictureText()), "image/png"), "Saved as network.png.");
  const element = h("div", { class: "share" },
    h("h2", {}, "A link"), h("p", {}, "The network, its data and the run are in the address itself; nothing is sent."), button("Make a link", doing(show)), link,
    h("h2", {}, "A file"), h("div", { class: "row" }, button("Save", doing(() => (download("chainrule.json", stateText(store)), "Saved as chainrule.json.")))), field("Open", file),
    h("h2", {}, "The picture"), h("div", { class: "row" }, button("SVG", doing(() => (download("network.svg", pictureText(), "image/svg+xml"), "Saved as network.svg."))), button("PNG", doing(png))),
    h("h2", {}, "The numbers"), h("div", { class: "row" }, button("This step as JSON", doing(() => numbers("example.json", [store.record]))), button("The run as JSON", doing(run))), says);
  return { id: "share", title: "Share", element, update: () => {} };
}
