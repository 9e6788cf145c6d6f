/** The panels of the instrument: one line for each. */

import { arithmetic } from "./arithmetic.mjs";
import { learningPanel } from "./charts.mjs";
import { dataPanel } from "./data.mjs";
import { mistakes } from "./mistakes.mjs";
import { networkPanel } from "./network_panel.mjs";
import { picture } from "./picture.mjs";
import { player } from "./player.mjs";
import { practice } from "./practice.mjs";
import { share } from "./share.mjs";
import { staticPage } from "./static_page.mjs";
import { history } from "./undo.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./app.mjs").Panel} Panel */

/** @type {((store: Store) => Panel)[]} always in view, from the top: player, changes, picture, and a note on the page below */
export const FIXED = [player, history, picture, staticPage];

/** @type {((store: Store) => Panel)[]} beside the picture, in the order of their tabs */
export const PANELS = [arithmetic, dataPanel, networkPanel, learningPanel, mistakes, practice, share];
