/** The panels of the instrument: one line for each. */

import { arithmetic } from "./arithmetic.mjs";
import { picture } from "./picture.mjs";
import { player } from "./player.mjs";
import { staticPage } from "./static_page.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./app.mjs").Panel} Panel */

/** @type {((store: Store) => Panel)[]} always in view, from the top: player, picture, and a note on the page below */
export const FIXED = [player, picture, staticPage];

/** @type {((store: Store) => Panel)[]} beside the picture, in the order of their tabs */
export const PANELS = [arithmetic];
